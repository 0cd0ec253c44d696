"""Processes are killed while jobs run: none is lost, none ends twice, all comes back.

Those that carry the jobs die under more load in tests/faults.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from tests.builders import PATIENCE_S
from tests.e2e.conftest import Register
from tests.e2e.people import Person, canonical, until
from tidemill_client.client import ENDINGS
from tidemill_client.problems import ApiProblem, Broken, Unreachable
from tidemill_client.subscription import Received
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import Job, JobStatus, StepSpec
from tidemill_stack.stack import Stack

CHILDREN = ["notifier", "ingestion", "identity", "weed", "caddy"]
SLOW = [
    StepSpec(processor="add", params={"amount": 5}),
    StepSpec(processor="wait", params={"seconds": 0.2}),
    StepSpec(processor="multiply", params={"factor": 2}),
]
NOT_NOW = (429, 503)
EACH = 5
JOBS = 4 * EACH + 2
METRICS = {"processor": "compute_metrics", "params": {"columns": ["n"]}}


class Load(Struct):
    """Jobs that were accepted, with the value that each must give."""

    stack: Stack
    person: Person
    expected: dict[UUID, Any] = {}
    killed: int = 0

    async def submit(self, number: int) -> None:
        """One quick and one slow job, handed in again with its key until each is accepted."""
        quick = {"processor": "multiply", "params": {"factor": 3}, "value": number}
        slow = {"steps": SLOW, "value": number}
        for order, result in ((quick, number * 3), (slow, (number + 5) * 2)):
            self.expected[await self._accepted(order)] = result

    async def upload(self, rows: int) -> None:
        """A file, and a job on it that may have to wait for it."""
        content = b"n\n" + b"".join(b"%d\n" % number for number in range(1, rows + 1))
        sent = await self._until_taken(lambda: self.person.client.upload(content, "numbers.csv"))
        self.expected[await self._accepted({**METRICS, "dataset_id": sent.id})] = rows

    async def _accepted(self, order: dict[str, Any]) -> UUID:
        client, key = self.person.client, str(uuid7())
        return (await self._until_taken(lambda: client.submit(idempotency_key=key, **order))).id

    async def _until_taken[T](self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await call()
            except (Unreachable, Broken):
                # the gateway itself is gone
                await self.stack.ready("caddy", instead_of=self.killed)
            except ApiProblem as refused:
                if refused.status not in NOT_NOW:
                    raise


def answer(job: Job) -> Any:
    value: Any = job.result.value if job.result else None
    return value["columns"]["n"]["max"] if isinstance(value, dict) else value


async def watch(person: Person) -> dict[UUID, list[Received]]:
    """Every job's events as they come live, until all have ended; a gap would be an error."""
    seen: dict[UUID, list[Received]] = {}
    async with person.client.live("all", types=["job.*"], since="start") as items:
        for _ in range(JOBS):
            for each in await until(items, *ENDINGS):
                seen.setdefault(each.event.key, []).append(each)
    return seen


@pytest.mark.parametrize("child", CHILDREN)
async def test_a_killed_process_comes_back_and_every_accepted_job_ends_once(
    hurt: Stack, register: Register, child: str
) -> None:
    load = Load(hurt, await register(hurt))
    before = [load.submit(number) for number in range(EACH)]
    during = [load.submit(number) for number in range(EACH, 2 * EACH)]

    async with asyncio.timeout(PATIENCE_S):
        watching = asyncio.create_task(watch(load.person))
        await asyncio.gather(load.upload(100), *before)
        load.killed = hurt.kill(child)
        await asyncio.gather(load.upload(200), *during)
        back = await hurt.ready(child, instead_of=load.killed)
        jobs = [await load.person.client.wait(job_id) for job_id in load.expected]
        live = await watching

    assert back != load.killed
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
    assert {job.id: answer(job) for job in jobs} == load.expected
    for job in jobs:
        history = await load.person.client.job_events(job.id)
        assert [each.event.seq for each in history] == list(range(1, job.seq + 1))
        assert [isinstance(each.event, ENDINGS) for each in history].index(True) == job.seq - 1
        assert canonical(live[job.id]) == canonical(history)
    assert (len(jobs), await load.person.jobs_and_datasets()) == (JOBS, (JOBS, 2))


async def test_after_all_of_it_the_system_is_whole(hurt: Stack, register: Register) -> None:
    person = await register(hurt)

    ready = await person.http.get("/readyz")
    dataset = await person.client.wait_dataset((await person.client.upload(b"a,b\n1,2\n")).id)
    job = await person.run(processor="compute_metrics", dataset_id=dataset.id)

    assert ready.status_code == 200, ready.text
    assert {each.state for each in hurt.running()} == {"running"}
    assert job.status is JobStatus.SUCCEEDED
