"""What the ledger remembers of a job is what stands in PostgreSQL, or is not used."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.jobs.builders import a_job, some_facts
from tests.jobs.office import Office
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import CancelJob
from tidemill_contracts.work import Payload, Succeeded
from tidemill_jobs import lifecycle, rows
from tidemill_jobs.recent import MAX_BYTES, MAX_JOBS, RecentJobs
from tidemill_jobs.records import JobRecord
from tidemill_stack.stack import Stack


@pytest.fixture
async def connection(infra: Stack) -> AsyncGenerator[asyncpg.Connection]:
    opened = await rows.connect(infra.env("jobs")["TM_DATABASE_URL"])
    yield opened
    await opened.close()


@asynccontextmanager
async def rolled_back(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    transaction = connection.transaction()
    await transaction.start()
    yield
    await transaction.rollback()


def a_small_job(**given: Any) -> JobRecord:
    job = a_job("wait", "noop", facts=some_facts(now()), created_at=now(), **given)
    job.size = 100
    return job


async def stored(connection: asyncpg.Connection, *jobs: JobRecord) -> int:
    tasks = [task for job in jobs for task in job.tasks]
    return await rows.write(connection, {"new_jobs": [*jobs], "new_tasks": tasks})


async def test_a_job_that_nobody_wrote_since_is_taken_as_it_is_stored(
    connection: asyncpg.Connection,
) -> None:
    job = a_small_job(value={"a": [1, 2.5, None]}, labels={"a": "ä"})
    recent = RecentJobs()
    recent.keep(await stored(connection, job), [job])

    async with rolled_back(connection):
        taken = await rows.lock_jobs(connection, [job.id], recent)
        read = await rows.lock_jobs(connection, [job.id], RecentJobs())

    assert taken[job.id] is job
    assert read[job.id] is not job
    job.size = read[job.id].size
    assert read[job.id] == job


async def test_a_job_that_somebody_wrote_since_is_read_again(
    connection: asyncpg.Connection,
    owner: asyncpg.Connection,
) -> None:
    same, other = a_small_job(), a_small_job()
    recent = RecentJobs()
    recent.keep(await stored(connection, same, other), [same, other])
    await owner.execute("update jobs set priority = 9 where id = $1", other.id)

    async with rolled_back(connection):
        taken = await rows.lock_jobs(connection, [same.id, other.id], recent)

    assert taken[same.id] is same
    assert taken[other.id].priority == 9
    assert [task.id for task in taken[other.id].tasks] == [task.id for task in other.tasks]


async def test_a_job_is_taken_once(connection: asyncpg.Connection) -> None:
    job = a_small_job()
    recent = RecentJobs()
    recent.keep(await stored(connection, job), [job])

    async with rolled_back(connection):
        await rows.lock_jobs(connection, [job.id], recent)
        again = await rows.lock_jobs(connection, [job.id], recent)

    assert again[job.id] is not job


def test_what_is_over_large_or_has_outputs_is_not_kept() -> None:
    over, large, has_output = a_small_job(), a_small_job(), a_small_job()
    lifecycle.cancel(over, CancelJob(), now())
    large.size = MAX_BYTES + 1
    has_output.steps[0].kept = Payload(value=1)
    recent = RecentJobs()

    recent.keep(1, [over, large, has_output])

    assert not recent.holds([over.id, large.id, has_output.id])


def test_memory_is_bounded() -> None:
    jobs = [a_small_job() for _ in range(MAX_JOBS + 10)]
    recent = RecentJobs()

    for job in jobs:
        recent.keep(1, [job])

    assert sum(recent.holds([job.id]) for job in jobs) <= MAX_JOBS + 1
    assert recent.holds([jobs[-1].id])


async def test_two_replicas_never_act_on_what_the_other_changed(replicas: list[Office]) -> None:
    first, second = replicas
    accepted = [await office.submit() for office in (first, second) for _ in range(10)]
    orders = {order.job_id: order for order in [await _next(first, second) for _ in accepted]}

    for number, answer in enumerate(accepted):
        here, there = (first, second) if number % 2 else (second, first)
        order = orders[answer.job_id]
        run = answer.job_id
        granted = await here.claim(order, run)
        assert granted.work is not None
        outcome = await there.finish(order, run, granted, 1)
        again = await here.report(order, run, Succeeded(), ordinal=99)
        assert (outcome, again) == ("applied", "already_applied")


async def _next(*offices: Office) -> Any:
    for office in offices:
        if not office.orders.empty():
            return office.orders.get_nowait()
    return await offices[0].order()


async def test_what_is_remembered_is_written_without_a_lock_if_nobody_wrote_it(
    connection: asyncpg.Connection,
    owner: asyncpg.Connection,
) -> None:
    same, other = a_small_job(), a_small_job()
    known = dict.fromkeys((same.id, other.id), await stored(connection, same, other))
    await owner.execute("update jobs set priority = 9 where id = $1", other.id)
    same.seq = other.seq = 5

    with pytest.raises(rows.Outdated):
        await rows.write(connection, {"jobs": [same, other]}, known)
    written = await rows.write(connection, {"jobs": [same]}, {same.id: known[same.id]})

    found = await owner.fetch("select id, seq from jobs where id = any($1)", list(known))
    assert dict(found) == {same.id: 5, other.id: 1}
    assert written > known[same.id]
