"""A job at any moment of its life is what its events make of it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from tests.builders import PATIENCE_S
from tests.e2e.people import Person, tidemill, until
from tidemill_client.client import Client
from tidemill_client.subscription import Received
from tidemill_contracts.fold import fold
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobEvent, JobStarted
from tidemill_contracts.jobs import Job, JobStatus, OnError, StepSpec, Timeouts
from tidemill_stack.stack import Stack

FAR_AWAY = now() + timedelta(days=365)
FORK = [
    StepSpec(processor="random_number", name="a"),
    StepSpec(processor="fail", name="b", needs=[], params={"kind": "data"}),
    StepSpec(processor="noop", name="c", needs=["a", "b"]),
]
ORDERS: dict[str, dict[str, Any]] = {
    "succeeded": {
        "value": 10,
        "steps": [
            StepSpec(processor="add", params={"amount": 5}),
            StepSpec(processor="wait", params={"seconds": 0.1}),
            StepSpec(processor="multiply", params={"factor": 2}),
        ],
    },
    "each": {"value": [1, 2], "steps": [StepSpec(processor="noop", each=True)]},
    "graph": {"steps": [*FORK[:1], replace(FORK[1], on_error=OnError.CONTINUE), FORK[2]]},
    "failed": {"steps": FORK},
    "retried": {"processor": "fail", "params": {"kind": "transient"}, "value": 1},
    "given up": {"processor": "fail", "params": {"kind": "transient", "attempts": 9}}
    | {"max_attempts": 2},
    "crashed": {"processor": "fail", "params": {"kind": "crash"}},
    "expired": {"processor": "noop", "queue": "nobody", "timeouts": Timeouts(queue_s=0.5)},
    "scheduled": {"processor": "noop", "run_at": now() + timedelta(seconds=1)},
    "stalled": {"processor": "burn_cpu", "params": {"milliseconds": 2_500}}
    | {"timeouts": Timeouts(stall_s=1)},
    "large": {"value": "x" * 100_000, "labels": {"a": "b"}, "steps": [StepSpec(processor="noop")]},
}


async def log_of(client: Client, job_id: UUID) -> list[Received]:
    """The job's events with their cursors, oldest first."""
    found = [item async for item in client.events(job_id=job_id)]
    return [item for item in found if isinstance(item, Received)]


def folded(events: Sequence[Received]) -> Job:
    return fold([each.event for each in events if isinstance(each.event, JobEvent)])


def bare(job: Job) -> Job:
    return replace(job, cursor=UNSET)


async def check_life(person: Person, job_id: UUID) -> Job:
    """At each of its events the job is the fold up to there; at the last it is what it is."""
    events = await log_of(person.client, job_id)
    large = "x" * 100_000
    for number, each in enumerate(events, 1):
        then = await person.client.job(job_id, at=each.cursor)
        assert then.cursor == each.cursor
        if not any(step.result and step.result.value == large for step in then.steps):
            assert bare(then) == folded(events[:number])
    job = await person.client.job(job_id)
    assert bare(await person.client.job(job_id, at=job.cursor or "")) == bare(job)
    return job


async def test_every_life_can_be_looked_at_again(ann: Person) -> None:
    client = ann.client
    names = {(await client.submit(**order)).id: name for name, order in ORDERS.items()}
    never = await client.submit(processor="noop", run_at=FAR_AWAY)
    await client.cancel(never.id, reason="no more")
    waits = await client.submit(processor="wait", params={"seconds": 60})
    async with client.live(f"job.{waits.id}", since="start") as items:
        await until(items, JobStarted)
    await client.cancel(waits.id, grace_s=1)
    dataset = await client.upload(b"a,b\n1,2\n3,4\n", "a.csv")
    blocked = await client.submit(processor="normalize", dataset_id=dataset.id)
    ids = [*names, never.id, waits.id, blocked.id]

    async with asyncio.timeout(PATIENCE_S):
        ended = await asyncio.gather(*[client.wait(job_id) for job_id in ids])
    again = await client.retry(ended[0].id, from_step="multiply")
    lives = [await check_life(ann, job_id) for job_id in [*ids, (await ann.ended(again.id)).id]]

    assert {names[job.id]: job.status for job in lives if job.id in names}["failed"] == "failed"
    assert {job.status for job in lives} == {each for each in JobStatus if each.is_final}


async def test_a_cursor_must_be_one_that_the_log_has_come_to(ann: Person, bob: Person) -> None:
    before = (await ann.run(processor="noop")).cursor
    job = await ann.run(processor="noop")
    first = (await log_of(ann.client, job.id))[0].cursor or ""
    epoch, position = (int(part) for part in first.split("."))

    cursors = ["nonsense", "1", f"{epoch}.999999999", f"{epoch + 1}.1", f"1.{10**30}", before]
    asked = [await ann.ask("GET", f"/v1/jobs/{job.id}", params={"at": each}) for each in cursors]
    asked.append(
        await ann.ask("GET", f"/v1/jobs/{job.id}", params={"at": f"{epoch}.{position - 1}"})
    )
    asked.append(await bob.ask("GET", f"/v1/jobs/{job.id}", params={"at": first}))
    asked.append(await ann.ask("GET", f"/v1/jobs/{uuid7()}", params={"at": first}))

    assert [(each.status_code, each.json()["code"]) for each in asked] == [
        (400, "cursor_malformed"),
        (400, "cursor_malformed"),
        (422, "cursor_ahead"),
        (422, "cursor_ahead"),
        (422, "cursor_ahead"),
        (404, "job_not_yet"),
        (404, "job_not_yet"),
        (404, "job_not_found"),
        (404, "job_not_found"),
    ]


async def test_a_healthy_system_is_what_its_log_says(ann: Person, stack: Stack) -> None:
    await asyncio.gather(*[ann.run(processor="add", value=n, params={"amount": 1}) for n in (1, 2)])

    code, out, _ = await tidemill(
        ann, stack, "rebuild", "--verify", "--from", "stream", "--json", "--data", str(stack.data)
    )

    assert code == 0, out
    assert '"differences":0' in out
