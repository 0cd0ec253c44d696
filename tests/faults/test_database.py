"""PostgreSQL restarts, crashes, stalls and hangs up in mid load: nothing is lost, nothing doubled."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import asyncpg
import httpx
import pytest

from tests.e2e.conftest import Register
from tests.faults.audit import at_work, audit, tables
from tests.faults.conftest import log_lines
from tests.faults.load import Load, a_mix, noop
from tidemill_contracts.ids import uuid7
from tidemill_stack.stack import Stack

LOST = ("ledger.connection_lost", "publisher.delayed")
BROKEN = ("ledger.failed", "lifespan.failed", "process.exit")

type Hit = Callable[[Stack], Awaitable[None]]


async def restart(stack: Stack) -> None:
    await stack.restart("postgres")


async def crash(stack: Stack) -> None:
    """One killed server process takes all others along, and PostgreSQL recovers."""
    async with tables(stack) as connection:
        os.kill(await ledger_backend(connection), signal.SIGKILL)


async def cut(stack: Stack) -> None:
    """The ledger's connection ends a few times, whatever it is at."""
    async with tables(stack) as connection:
        for _ in range(5):
            pid = await ledger_backend(connection)
            await connection.execute("select pg_terminate_backend($1), pg_sleep(0.1)", pid)


async def stall(stack: Stack) -> None:
    """A statement of the ledger stands still for longer than it may take."""
    async with tables(stack) as connection:
        pid = await ledger_backend(connection, state="active")
        await connection.execute("select pg_sleep(4)")
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("hit", [restart, crash, cut, stall])
async def test_a_hurt_database_loses_nothing_and_doubles_nothing(
    hurt: Stack, register: Register, size: int, hit: Hit
) -> None:
    load = Load(await register(hurt))
    before = len(log_lines(hurt, "jobs", *LOST))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.submit(a_mix(size)))
        await at_work(hurt, load.person.user.tenant_id)
        await hit(hurt)
    found = await audit(hurt, load.person.user.tenant_id, load.accepted)

    assert len(found.jobs) == size
    assert len(log_lines(hurt, "jobs", *LOST)) > before
    assert not log_lines(hurt, "jobs", *BROKEN)


async def test_who_never_got_the_answer_gets_the_same_job_with_the_same_key(
    hurt: Stack, register: Register, size: int
) -> None:
    load = Load(await register(hurt))
    keys = [str(uuid7()) for _ in range(size)]
    orders = {"processor": "noop", "value": 1}

    async def ask_and_hang_up(key: str) -> None:
        with pytest.raises(httpx.TimeoutException):
            headers = {"Idempotency-Key": key}
            timeout = httpx.Timeout(30, read=0.0005)
            await load.person.ask("POST", "/v1/jobs", json=orders, headers=headers, timeout=timeout)

    await asyncio.gather(*map(ask_and_hang_up, keys))
    again = [await load.person.client.submit(**orders, idempotency_key=key) for key in keys]
    found = await audit(hurt, load.person.user.tenant_id, {job.id: noop(1) for job in again})

    assert len(found.jobs) == size


async def ledger_backend(connection: asyncpg.Connection, state: str | None = None) -> int:
    """The pid of the server process behind the ledger's connection, stopped where that matters."""
    while True:
        pid: int | None = await connection.fetchval(_LEDGER)
        if pid is not None and state is None:
            return pid
        if pid is not None:
            os.kill(pid, signal.SIGSTOP)
            if state == await connection.fetchval(_STATE, pid):
                return pid
            os.kill(pid, signal.SIGCONT)


_LEDGER = """
select max(pid) from pg_stat_activity, pg_sleep(0.02)
where application_name = 'tidemill-jobs-ledger'
"""
_STATE = "select state from pg_stat_activity where pid = $1"
