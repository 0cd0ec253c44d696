"""What the verification of the tables finds, and what it lets pass."""

from collections.abc import AsyncGenerator
from uuid import UUID

import asyncpg
import pytest

from tests.jobs.office import Office
from tidemill_contracts.catalogue import encode
from tidemill_contracts.job_events import JobDeleted
from tidemill_jobs import rows, verification
from tidemill_jobs.verification import Counts, Difference

RECORD = """
insert into events (id, key, seq, tenant_id, type, subject, at, body)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
CORRUPTIONS = {
    "update jobs set status = 'failed' where id = $1": ["status", "result"],
    "update jobs set attempt = attempt + 1 where id = $1": ["attempt"],
    "update jobs set finished_at = null, started_at = null where id = $1": [
        "started_at",
        "finished_at",
    ],
    "update jobs set steps = replace(steps::text, '41', '42')::json where id = $1": [
        "result",
        "steps.wait.result",
    ],
    'update jobs set labels = \'{"who": "me"}\' where id = $1': ["labels"],
    "update jobs set seq = seq + 1 where id = $1": ["seq"],
    "delete from events where key = $1 and seq = 2": ["events"],
    "delete from events where key = $1 and seq = 4": ["status", "seq"],
    "delete from events where key = $1": ["events"],
    "update events set type = 'job.failed' where key = $1 and seq = 4": ["events"],
    "update events set epoch = 1, stream_seq = 9 - seq where key = $1": ["events"],
    "update events set body = '{}' where key = $1 and seq = 3": ["events"],
    "delete from jobs where id = $1": ["row"],
}


@pytest.fixture
async def throwaway(owner: asyncpg.Connection) -> AsyncGenerator[asyncpg.Connection]:
    """A connection whose changes are undone."""
    await rows.prepare(owner)
    transaction = owner.transaction()
    await transaction.start()
    yield owner
    await transaction.rollback()


async def an_ended_job(office: Office) -> UUID:
    accepted = await office.submit()
    await office.run(await office.order(), 41)
    return accepted.job_id


async def found_for(connection: asyncpg.Connection, job_id: UUID) -> list[Difference]:
    found = [each async for each in verification.differences(connection, Counts())]
    return [each for each in found if each is not None and each.job_id == job_id]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
async def test_what_was_changed_behind_the_logs_back_is_found(
    office: Office, throwaway: asyncpg.Connection, corruption: str
) -> None:
    job_id = await an_ended_job(office)

    await throwaway.execute(corruption, job_id)

    found = await found_for(throwaway, job_id)
    assert {each.field for each in found} >= set(CORRUPTIONS[corruption])


async def test_what_nobody_changed_is_as_the_log_says(
    office: Office, throwaway: asyncpg.Connection
) -> None:
    job_id = await an_ended_job(office)

    found = await found_for(throwaway, job_id)

    assert found == []


async def test_a_job_whose_last_event_tells_of_its_deletion_misses_no_row(
    office: Office, throwaway: asyncpg.Connection
) -> None:
    job_id = await an_ended_job(office)
    job = await throwaway.fetchrow("select tenant_id, seq from jobs where id = $1", job_id)
    assert job is not None
    told = JobDeleted(tenant_id=job["tenant_id"], job_id=job_id, seq=job["seq"] + 1)

    about = (told.id, job_id, told.seq, told.tenant_id, told.type, told.subject, told.at)
    await throwaway.execute(RECORD, *about, encode(told))
    await throwaway.execute("delete from jobs where id = $1", job_id)

    assert await found_for(throwaway, job_id) == []


async def test_a_deleted_jobs_events_miss_no_row(
    office: Office, throwaway: asyncpg.Connection
) -> None:
    job_id = await an_ended_job(office)
    tidied = "insert into garbage (job_id, tenant_id, prefix) select id, tenant_id, '' from jobs"

    await throwaway.execute(f"{tidied} where id = $1", job_id)
    await throwaway.execute("delete from jobs where id = $1", job_id)

    assert await found_for(throwaway, job_id) == []
