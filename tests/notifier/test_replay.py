"""What a client missed: out of the ring, the stream, the owners' history; across restarts."""

import asyncio
import shutil
import signal
from typing import Any

import asyncpg

RING = 40


def jobs_in(frames: list[Any]) -> list[str]:
    return [item["event"]["job_id"] for frame in frames for item in frame.get("items", [])]


def cursors_in(frames: list[Any]) -> list[str]:
    return [item["cursor"] for frame in frames for item in frame.get("items", [])]


async def test_the_ring_gives_what_came_a_moment_ago(
    ann: Any, listening: Any, published: Any
) -> None:
    async with listening(ann) as listener:
        since = (await listener.until("live"))[-1]["cursor"]
    missed = await published(ann, 5)

    async with listening(ann, since=since) as listener:
        frames = await listener.until("live")

    assert frames[0] == {"op": "subscribed", "id": "s", "recovered": True}
    assert sorted(jobs_in(frames)) == sorted(missed)
    assert all(frame.get("replay") for frame in frames if frame["op"] == "events")


async def test_the_stream_gives_what_has_left_the_ring(
    ann: Any,
    bob: Any,
    listening: Any,
    published: Any,
) -> None:
    async with listening(ann) as listener:
        since = (await listener.until("live"))[-1]["cursor"]
    missed = await published(ann, 2 * RING)
    await published(bob, RING + 5)

    async with listening(ann, since=since) as listener:
        frames = await listener.until("live")
        later = await ann.submit()
        live = await listener.items(1)

    assert sorted(jobs_in(frames)) == sorted(missed)
    assert len(set(cursors_in(frames))) == 2 * RING
    assert [item["event"]["job_id"] for item in live] == later


async def test_a_job_is_followed_from_its_start(
    ann: Any, bob: Any, listening: Any, published: Any
) -> None:
    job = (await ann.submit(run_at=None))[0]
    async with listening(ann, f"job.{job}", since="start") as listener:
        await _seqs_until_success(listener)
    await published(bob, RING + 5)

    async with listening(ann, f"job.{job}", since="start") as listener:
        frames = await listener.until("live")

    events = [item["event"] for frame in frames for item in frame.get("items", [])]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("job.submitted", "job.succeeded")


async def _seqs_until_success(listener: Any) -> list[int]:
    seqs = list[int]()
    while True:
        for item in (await listener.hear()).get("items", []):
            seqs.append(item["event"]["seq"])
            if item["event"]["type"] == "job.succeeded":
                return seqs


async def test_a_subscription_just_behind_the_submit_misses_nothing(
    ann: Any,
    listening: Any,
) -> None:
    job = (await ann.submit(run_at=None))[0]

    async with listening(ann, f"job.{job}", since="start") as listener:
        seqs = await _seqs_until_success(listener)

    assert seqs == list(range(1, len(seqs) + 1))


async def test_all_from_the_start_is_everything_once(
    ann: Any, bob: Any, listening: Any, published: Any
) -> None:
    submitted = await published(ann, RING)
    await published(bob, RING)

    async with listening(ann, since="start") as listener:
        frames = await listener.until("live")

    assert sorted(jobs_in(frames)) == sorted(submitted)


async def test_types_narrow_the_replay(ann: Any, listening: Any) -> None:
    job = (await ann.submit(run_at=None))[0]
    async with listening(ann, f"job.{job}", since="start") as listener:
        await _seqs_until_success(listener)

    async with listening(ann, since="start", types=["job.succeeded"]) as listener:
        frames = await listener.until("live")

    types = [item["event"]["type"] for frame in frames for item in frame.get("items", [])]
    assert types == ["job.succeeded"]


async def test_a_head_from_another_service_is_no_future(
    ann: Any,
    stack: Any,
    listening: Any,
) -> None:
    await ann.submit(3)
    url = f"{stack.urls['jobs']}/v1/jobs/{(await ann.submit())[0]}"
    cursor = (await ann.http.get(url, headers=ann.headers)).json()["cursor"]

    async with listening(ann, since=cursor) as listener:
        assert (await listener.hear())["op"] == "subscribed"


async def test_many_sockets_that_join_under_load_miss_nothing(ann: Any, listening: Any) -> None:
    async def follow(since: str) -> list[str]:
        async with listening(ann, since=since) as listener:
            return [item["cursor"] for item in await listener.items(120)]

    async with listening(ann) as listener:
        since = (await listener.until("live"))[-1]["cursor"]
    first = await ann.submit(20)
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(ann.submit(100))
        following = [tasks.create_task(follow(since)) for _ in range(20)]

    assert len(first) + len(loading.result()) == 120
    sequences = {tuple(task.result()) for task in following}
    assert len(sequences) == 1
    assert len(set(sequences.pop())) == 120


async def test_a_stopping_notifier_says_where_to_resume(
    ann: Any,
    stack: Any,
    listening: Any,
) -> None:
    async with listening(ann) as listener:
        await listener.until("live")
        before = stack.pid("notifier")
        await ann.submit()
        await listener.items(1)
        stack.kill("notifier", signal.SIGTERM)
        code, reason = await listener.closed()
    missed = await ann.submit(3)
    await stack.ready("notifier", instead_of=before)

    async with listening(ann, since=reason.removeprefix("resume from ")) as listener:
        items = await listener.items(3)

    assert code == 1012
    assert sorted(item["event"]["job_id"] for item in items) == sorted(missed)


async def test_a_killed_notifier_leaves_no_hole(ann: Any, stack: Any, listening: Any) -> None:
    async with listening(ann) as listener:
        await listener.until("live")
        await ann.submit()
        last = (await listener.items(1))[-1]["cursor"]
        before = stack.kill("notifier")
    missed = await ann.submit(3)
    await stack.ready("notifier", instead_of=before)

    async with listening(ann, since=last) as listener:
        items = await listener.items(3)

    assert sorted(item["event"]["job_id"] for item in items) == sorted(missed)


async def test_a_broker_that_comes_back_costs_only_time(
    ann: Any,
    stack: Any,
    listening: Any,
) -> None:
    async with listening(ann) as listener:
        await listener.until("live")
        before = stack.kill("nats-server")
        during = await ann.submit(3)
        await stack.ready("nats-server", instead_of=before)
        after = await ann.submit(3)
        items = await listener.items(6)

    assert sorted(item["event"]["job_id"] for item in items) == sorted([*during, *after])
    assert len({item["cursor"] for item in items}) == 6


async def test_what_is_over_its_retention_is_a_gap(
    ann: Any, stack: Any, listening: Any, published: Any
) -> None:
    submitted = await published(ann, 2)
    owner = await asyncpg.connect(stack.postgres_url())
    await owner.execute("update jobs.forgotten set (epoch, position) = (0, 5)")
    await owner.close()

    async with listening(ann, since="0.2") as listener:
        frames = await listener.until("live")
    page = await ann.get("/v1/events?after=0.2")
    async with listening(ann, since="start") as listener:
        from_the_start = await listener.hear()

    assert frames[:2] == [
        {"op": "subscribed", "id": "s", "recovered": False},
        {"op": "gap", "id": "s", "reason": "retention", "resume": "0.5"},
    ]
    assert sorted(jobs_in(frames)) == sorted(submitted)
    assert (page.status_code, page.json()["code"]) == (410, "history_forgotten")
    assert page.json()["resume"] == "0.5"
    assert from_the_start["recovered"]


async def test_a_lost_store_begins_an_epoch_and_loses_nothing(
    ann: Any,
    stack: Any,
    listening: Any,
) -> None:
    async with listening(ann) as listener:
        start = (await listener.until("live"))[-1]["cursor"]
        first = await ann.submit(3)
        await listener.items(3)
        before = stack.kill("nats-server", signal.SIGSTOP)
        shutil.rmtree(stack.data / "nats" / "jetstream")
        stack.kill("nats-server")
        second = await ann.submit(3)
        await stack.ready("nats-server", instead_of=before)
        third = await ann.submit(2)
        items = await listener.items(5)

    assert {item["event"]["job_id"] for item in items} >= {*second, *third}
    epochs = [int(item["cursor"].split(".")[0]) for item in items]
    assert epochs[-1] == int(start.split(".")[0]) + 1
    async with listening(ann, since=start) as listener:
        frames = await listener.until("live")
    assert set(jobs_in(frames)) == {*first, *second, *third}
    assert "gap" not in [frame["op"] for frame in frames]
    assert len(cursors_in(frames)) == len(set(cursors_in(frames)))
