"""Of the jobs that share a concurrency key one runs at a time, in the order of submission."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.builders import PATIENCE_S
from tests.jobs.builders import a_failure, a_job, short, some_facts, types
from tests.jobs.office import Office, status_of, types_of
from tests.jobs.test_replicas import deadlocks
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import BlockedReason, CancelJob, JobStatus
from tidemill_contracts.work import Ending, RunTask, Succeeded
from tidemill_jobs.commands import CancelOne, Revisit
from tidemill_jobs.lifecycle import JobFinished
from tidemill_jobs.records import JobRecord

JOBS = 90
KEYS = 4
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_job_takes_a_free_key_and_the_next_one_waits() -> None:
    tenant_id = uuid4()
    facts = some_facts(holders={(tenant_id, "k"): None})

    first = a_job(tenant_id=tenant_id, concurrency_key="k", facts=facts)
    second = a_job(tenant_id=tenant_id, concurrency_key="k", facts=facts)

    assert (first.status, second.status) == (JobStatus.QUEUED, JobStatus.BLOCKED)
    assert second.blocked_reason is BlockedReason.CONCURRENCY_KEY
    assert types(second) == ["submitted", "blocked"]
    assert facts.holders == {(tenant_id, "k"): first.id}


def test_a_job_that_something_else_stops_takes_no_key() -> None:
    tenant_id = uuid4()
    facts = some_facts(holders={(tenant_id, "k"): None}, paused=frozenset({"default"}))

    job = a_job(tenant_id=tenant_id, concurrency_key="k", facts=facts)

    assert job.blocked_reason is BlockedReason.QUEUE_PAUSED
    assert facts.holders == {(tenant_id, "k"): None}


async def submit(office: Office, draft: JobRecord) -> UUID:
    await office.submit(draft, concurrency_key=draft.key)
    return draft.id


def drafts(office: Office, number: int, **given: Any) -> list[JobRecord]:
    """Jobs of one tenant with one key."""
    given = {"tenant_id": uuid4(), "concurrency_key": uuid4().hex, **given}
    return [office.draft(**given) for _ in range(number)]


async def statuses(owner: asyncpg.Connection, jobs: list[JobRecord]) -> list[str]:
    return [await status_of(owner, job.id) for job in jobs]


async def keys_held(owner: asyncpg.Connection, jobs: list[JobRecord]) -> int:
    keys = [job.concurrency_key for job in jobs]
    return len(await owner.fetch("select from concurrency where key = any($1)", keys))


async def test_the_others_wait_and_start_in_the_order_of_submission(
    office: Office, owner: asyncpg.Connection
) -> None:
    jobs = drafts(office, 4)
    for job in jobs:
        await submit(office, job)
    before = await statuses(owner, jobs)

    ran: list[UUID] = []
    for _ in jobs:
        order = await office.order()
        assert office.orders.empty()
        ran.append(order.job_id)
        await office.run(order)

    assert before == ["queued", "blocked", "blocked", "blocked"]
    assert ran == [job.id for job in jobs]
    assert await types_of(owner, jobs[1].id) == [
        *("submitted", "blocked", "queued", "started", "step_succeeded", "succeeded"),
    ]
    assert await keys_held(owner, jobs) == 0


async def test_jobs_handed_in_at_once_get_the_key_one_by_one(
    office: Office, owner: asyncpg.Connection
) -> None:
    jobs = drafts(office, 20)

    await asyncio.gather(*[submit(office, job) for job in jobs])

    assert sorted(await statuses(owner, jobs)) == ["blocked"] * 19 + ["queued"]


async def test_another_tenants_key_is_another_key(office: Office) -> None:
    (mine,) = drafts(office, 1, concurrency_key="same")
    (yours,) = drafts(office, 1, concurrency_key="same")

    await submit(office, mine)
    await submit(office, yours)

    assert {(await office.order()).job_id, (await office.order()).job_id} == {mine.id, yours.id}


async def fails(office: Office, order: RunTask) -> None:
    await end(office, order, a_failure(FailureKind.DATA))


async def is_cancelled(office: Office, order: RunTask) -> None:
    job = {"job_id": order.job_id, "tenant_id": order.tenant_id}
    await office.ask(CancelOne, **job, order=CancelJob())


async def succeeds(office: Office, order: RunTask) -> None:
    await office.run(order)


async def end(office: Office, order: RunTask, ending: Ending) -> None:
    run_id = uuid4()
    answer = await office.claim(order, run_id)
    await office.report(order, run_id, ending, attempt=answer.attempt)


@pytest.mark.parametrize("ends", [succeeds, fails, is_cancelled])
async def test_however_the_holder_ends_the_next_one_starts(
    office: Office, ends: Callable[[Office, RunTask], Awaitable[None]]
) -> None:
    first, second = drafts(office, 2)
    await submit(office, first)
    await submit(office, second)

    await ends(office, await office.order())

    assert (await office.order()).job_id == second.id


async def test_when_the_holder_expires_the_next_one_starts(office: Office) -> None:
    (first,) = drafts(office, 1, timeouts=short(queue_s=60))
    first.created_at = LONG_AGO
    (second,) = drafts(office, 1, tenant_id=first.tenant_id, concurrency_key=first.concurrency_key)
    await submit(office, first)
    await submit(office, second)
    await office.order()

    await office.ask(Revisit, ids=[first.id])

    assert (await office.order()).job_id == second.id


async def test_a_job_that_waits_to_be_tried_again_keeps_its_key(
    office: Office, owner: asyncpg.Connection
) -> None:
    jobs = drafts(office, 2)
    for job in jobs:
        await submit(office, job)

    await end(office, await office.order(), a_failure(retry_after_s=600.0))

    assert await statuses(owner, jobs) == ["retrying", "blocked"]


async def test_a_cancelled_job_of_the_line_is_passed_over(
    office: Office, owner: asyncpg.Connection
) -> None:
    jobs = drafts(office, 3)
    for job in jobs:
        await submit(office, job)
    cancel = {"job_id": jobs[1].id, "tenant_id": jobs[1].tenant_id, "order": CancelJob()}
    await office.ask(CancelOne, **cancel)

    await office.run(await office.order())

    assert (await office.order()).job_id == jobs[2].id
    assert await statuses(owner, jobs) == ["succeeded", "cancelled", "queued"]


async def test_a_missed_wake_up_is_made_good_by_a_look_at_the_first_in_line(
    office: Office, owner: asyncpg.Connection
) -> None:
    jobs = drafts(office, 3)
    for job in jobs:
        await submit(office, job)
    await office.order()
    gone = "update jobs set status = 'failed', finished_at = now() where id = $1"
    await owner.execute(gone, jobs[0].id)

    await office.ask(Revisit, ids=[jobs[2].id])

    assert (await office.order()).job_id == jobs[1].id
    assert await statuses(owner, jobs) == ["failed", "queued", "blocked"]


class Line:
    """Workers of two replicas, and who runs at the moment under which key."""

    def __init__(self, replicas: list[Office], seed: int) -> None:
        self.replicas = replicas
        self.chance = Random(seed)
        tenant_id = uuid4()
        self.jobs = [
            self.anyone().draft(tenant_id=tenant_id, concurrency_key=f"{number % KEYS}")
            for number in range(JOBS)
        ]
        self.keys = {job.id: job.concurrency_key for job in self.jobs}
        self.running: dict[UUID, str | None] = {}
        self.overlaps: list[str | None] = []

    def anyone(self) -> Office:
        return self.chance.choice(self.replicas)

    async def work(self, office: Office) -> None:
        while True:
            order = await office.orders.get()
            run_id = uuid4()
            answer = await self.anyone().claim(order, run_id)
            if answer.work is None:
                continue
            key = self.keys[order.job_id]
            if key in self.running.values():
                self.overlaps.append(key)
            self.running[order.job_id] = key
            await self.cancel_any()
            del self.running[order.job_id]
            ending = a_failure(FailureKind.DATA) if self.chance.random() < 0.3 else Succeeded()
            outputs = [] if ending != Succeeded() else self.anyone().outputs_for(answer)
            said = {"attempt": answer.attempt, "outputs": outputs}
            await self.anyone().report(order, run_id, ending, **said)

    async def cancel_any(self) -> None:
        job = self.chance.choice(self.jobs)
        if self.chance.random() < 0.2 and job.id not in self.running:
            asked = {"tenant_id": job.tenant_id, "job_id": job.id, "order": CancelJob()}
            with suppress(JobFinished):
                await self.anyone().ask(CancelOne, **asked)

    async def until_all_ended(self, owner: asyncpg.Connection) -> None:
        while found := await owner.fetch(OPEN, list(self.keys)):
            await self.anyone().ask(Revisit, ids=[row["id"] for row in found])


OPEN = "select id from jobs where id = any($1) and finished_at is null order by id"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_replicas_never_let_two_jobs_of_a_key_run(
    replicas: list[Office], owner: asyncpg.Connection, seed: int
) -> None:
    line = Line(replicas, seed)
    before = await deadlocks(owner)

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(PATIENCE_S):
        workers = [tasks.create_task(line.work(replicas[number % 2])) for number in range(8)]
        await asyncio.gather(*[submit(line.anyone(), job) for job in line.jobs])
        await line.until_all_ended(owner)
        for worker in workers:
            worker.cancel()

    assert line.overlaps == []
    assert await keys_held(owner, line.jobs) == 0
    assert await deadlocks(owner) == before
