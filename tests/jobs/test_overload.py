"""When it is too much: refusals that say when to come again, and machines that go on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from nats.aio.client import Client
from sqlalchemy import text

from tests.jobs.office import Office
from tidemill_jobs import backlog
from tidemill_jobs.ledger import LogBehind
from tidemill_kit import bus
from tidemill_kit.db import Database, DatabaseBusy
from tidemill_kit.settings import Settings, load
from tidemill_stack.stack import Stack

UNPUBLISHED = """
insert into events (id, key, seq, tenant_id, type, subject, at, body)
select gen_random_uuid(), $1, n, $1, 'job.queued', 's', now(), '' from generate_series(1, $2) n
"""


@asynccontextmanager
async def waiting_events(owner: asyncpg.Connection, number: int) -> AsyncGenerator[None]:
    draft = await owner.fetchval("select uuid_floor(now())")
    await owner.execute(UNPUBLISHED, draft, number)
    try:
        yield
    finally:
        await owner.execute("delete from events where key = $1", draft)


@pytest.fixture
async def client(infra: Stack) -> AsyncGenerator[Client]:
    connected = await bus.connect(load(Settings, infra.env("jobs")), "test")
    yield connected
    await connected.close()


async def test_submits_wait_while_too_many_events_do(
    office: Office, owner: asyncpg.Connection, database: Database, client: Client
) -> None:
    async with waiting_events(owner, backlog.MAX_WAITING + 1):
        await backlog.look(database, office.ledger, client)
        with pytest.raises(LogBehind) as refused:
            await office.submit()

    await owner.execute("update events set stream_seq = 1, epoch = 0 where stream_seq is null")
    await backlog.look(database, office.ledger, client)
    accepted = await office.submit()

    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)
    assert accepted.job_id


async def test_without_nats_submits_are_taken_however_many_events_wait(
    office: Office, owner: asyncpg.Connection, database: Database
) -> None:
    async with waiting_events(owner, backlog.MAX_WAITING + 1):
        await backlog.look(database, office.ledger, None)
        accepted = await office.submit()

    assert accepted.job_id


async def test_a_statement_over_its_time_is_answered_as_busy(database: Database) -> None:
    async def too_slow() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("set local statement_timeout = 50"))
            await connection.execute(text("select pg_sleep(30)"))

    with pytest.raises(DatabaseBusy) as refused:
        await too_slow()

    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)


async def test_whoever_asks_is_told_of_any_failure(client: Client) -> None:
    async def fail(request: int) -> None:
        raise ZeroDivisionError(request)

    await bus.answer(client, "tm.rpc.jobs.events", int, fail)

    with pytest.raises(bus.RequestRefused, match="ZeroDivisionError"):
        await bus.call(client, "tm.rpc.jobs.events", 1, int, timeout_s=30)
