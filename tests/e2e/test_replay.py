"""Replay equals live, whoever asks, whenever, and by whichever way."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from tests.e2e.people import (
    PATIENCE_S,
    Person,
    canonical,
    listening,
    types,
    until,
    until_ended,
)
from tidemill_client.subscription import Received
from tidemill_contracts.job_events import JobStarted, JobSucceeded
from tidemill_contracts.jobs import StepSpec
from tidemill_stack.stack import Stack

ORDERS: dict[str, dict[str, Any]] = {
    "a chain": {
        "steps": [
            StepSpec(processor="add", params={"amount": 5}),
            StepSpec(processor="wait", params={"seconds": 0.3}),
            StepSpec(processor="multiply", params={"factor": 1e22}),
        ],
        "value": 10,
    },
    "unicode": {
        "processor": "reverse_string",
        "value": "Größe 👩‍👩‍👧 \u0007",
        "labels": {"ü": "é"},
    },
    "a retry": {"processor": "fail", "params": {"kind": "transient"}, "value": -0.0},
    "a failure": {"processor": "fail", "params": {"kind": "data"}},
    "a crash": {"processor": "fail", "params": {"kind": "crash"}, "value": {"a": [1, None]}},
    "a large value": {"processor": "noop", "value": "x" * 100_000},
}


@pytest.mark.parametrize("name", ORDERS)
async def test_a_jobs_history_equals_what_came_live(ann: Person, name: str) -> None:
    async with ann.client.live("all") as items:
        job = await ann.client.submit(**ORDERS[name])
        live = await until_ended(items, job.id)

    history = await ann.client.job_events(job.id)
    async with ann.client.live(f"job.{job.id}", since="start") as items:
        late = await until_ended(items, job.id)
    logged = [item async for item in ann.client.events(job_id=job.id)]

    assert [each.event.seq for each in live] == list(range(1, len(live) + 1))
    assert canonical(history) == canonical(live)
    assert canonical(late) == canonical(live)
    assert canonical([each for each in logged if isinstance(each, Received)]) == canonical(live)
    assert [each.cursor for each in late] == [each.cursor for each in live]


async def test_who_joins_in_the_middle_misses_nothing(ann: Person) -> None:
    async with ann.client.live("all") as items:
        job = await ann.client.submit(processor="wait", params={"seconds": 1}, value=1)
        first = await until(items, JobStarted, of=job.id)
        async with ann.client.live(f"job.{job.id}", since="start") as late_items:
            late = await until_ended(late_items, job.id)
        live = first + await until_ended(items, job.id)

    assert canonical(late) == canonical(live)


async def test_a_socket_that_comes_back_with_its_cursor_goes_on_there(
    stack: Stack, ann: Person
) -> None:
    jobs = [await ann.run(processor="noop", value=n) for n in range(5)]
    everything = [item async for item in ann.client.events(types=["job.*"])]
    bodies = [item.body for item in everything if isinstance(item, Received)]
    cursors = [item.cursor for item in everything if isinstance(item, Received)]

    for place in (0, 1, len(cursors) // 2, len(cursors) - 2):
        async with listening(stack, ann.tokens.access_token) as listener:
            since = {"since": cursors[place], "types": ["job.*"]}
            await listener.say(op="subscribe", id="s", topics=["all"], **since)
            frames = await listener.until("live")

        items = [item for frame in frames for item in frame.get("items", [])]
        assert next(frame for frame in frames if frame["op"] == "subscribed")["recovered"]
        assert [item["event"] for item in items] == bodies[place + 1 :]
        assert [item["cursor"] for item in items] == cursors[place + 1 :]
    assert len({body["job_id"] for body in bodies}) == len(jobs)


@pytest.mark.parametrize("since", ["nonsense", "1", "-1.5", "999.1", "1.99999999999"])
async def test_a_cursor_that_never_was_is_refused(stack: Stack, ann: Person, since: str) -> None:
    async with listening(stack, ann.tokens.access_token) as listener:
        await listener.say(op="subscribe", id="s", topics=["all"], since=since)
        frame = (await listener.until("error"))[-1]
    page = await ann.ask("GET", "/v1/events", params={"after": since})

    assert (frame["code"], frame["id"]) == ("bad_cursor", "s")
    assert (page.status_code, page.json()["code"]) == (400, "bad_cursor")


async def test_the_log_page_by_page_is_the_log(ann: Person) -> None:
    for number in range(4):
        await ann.run(processor="noop", value=number)
    whole = (await ann.ask("GET", "/v1/events", params={"limit": 1_000})).json()

    paged: list[Any] = []
    after: str | None = "start"
    while after is not None:
        page = (await ann.ask("GET", "/v1/events", params={"limit": 3, "after": after})).json()
        paged += page["items"]
        after = page["next_cursor"]

    assert whole["next_cursor"] is None
    assert paged == whole["items"]
    assert [item["event"]["seq"] for item in paged if item["event"]["type"] == "job.submitted"] == [
        1
    ] * 4


async def test_older_events_than_memory_holds_come_from_the_log(ann: Person) -> None:
    async with ann.client.live("all", types=["job.succeeded"]) as items:
        accepted = [await ann.client.submit(processor="noop", value=n) for n in range(40)]
        for _ in accepted:
            await until(items, JobSucceeded)

    async with ann.client.live("all", types=["job.*"], since="start") as items:
        replayed: list[Received] = []
        while types(replayed).count("job.succeeded") < len(accepted):
            replayed += await until(items, JobSucceeded)

    for job in accepted:
        own = [each for each in replayed if each.event.key == job.id]
        assert canonical(own) == canonical(await ann.client.job_events(job.id))


async def test_server_sent_events_go_on_behind_the_last_event_id(ann: Person) -> None:
    first = await ann.run(processor="noop", value=1)
    whole = [item async for item in ann.client.events(types=["job.*"])]
    told = [item for item in whole if isinstance(item, Received)]

    async with sse(ann, {"types": "job.*"}, told[1].cursor) as lines:
        behind = [await anext(lines) for _ in told[2:]]
        second = await ann.client.submit(processor="noop", value=2)
        new = [await anext(lines)]
        while new[-1][1]["type"] != "job.succeeded":
            new.append(await anext(lines))

    assert [data for _, data in behind] == [each.body for each in told[2:]]
    assert [cursor for cursor, _ in behind] == [each.cursor for each in told[2:]]
    assert {data["job_id"] for _, data in new} == {str(second.id)}
    assert first.id != second.id
    history = await ann.client.job_events(second.id)
    assert [data for _, data in new] == [each.body for each in history]


@asynccontextmanager
async def sse(
    person: Person, query: dict[str, str], last: str | None
) -> AsyncGenerator[AsyncIterator[tuple[str, Any]]]:
    """An open event stream: its `(id, data)` as they come."""
    headers = {**person.headers, "Accept": "text/event-stream", "Last-Event-ID": last or "start"}
    async with person.http.stream("GET", "/v1/events", params=query, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield told_by(response)


async def told_by(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    cursor = ""
    async with asyncio.timeout(PATIENCE_S):
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                cursor = value
            elif name == "data":
                yield cursor, msgspec.json.decode(value)
