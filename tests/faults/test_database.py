"""PostgreSQL restarts, crashes, stalls, hangs up: nothing is lost, nothing doubled."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from tests.e2e.conftest import Register
from tests.e2e.people import Person
from tests.faults.audit import at_work, audit, number_of, tables
from tests.faults.conftest import log_lines
from tests.faults.load import Load, a_mix, noop
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import SubmitJob
from tidemill_stack.stack import Stack

LOST = ("ledger.connection_lost", "publisher.delayed")
BROKEN = ("ledger.failed", "lifespan.failed", "process.exit")

ONE = SubmitJob(processor="noop", value=1)

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
    # a statement that stood still may have been through with all that could be cancelled
    assert hit is stall or len(log_lines(hurt, "jobs", *LOST)) > before
    assert not log_lines(hurt, "jobs", *BROKEN)


async def test_who_never_got_the_answer_gets_the_same_job_with_the_same_key(
    hurt: Stack, register: Register, size: int
) -> None:
    person = await register(hurt)
    keys = [str(uuid7()) for _ in range(size)]

    async with AsyncExitStack() as lines, tables(hurt) as connection:
        for number, key in enumerate(keys):
            line = await ask(hurt, person, key)
            # half of them hang up at once, half once their job is stored
            (line.close if number % 2 else partial(lines.callback, line.close))()
        while await number_of(connection, _STORED, keys[::2]) < len(keys[::2]):
            pass
    again = [await person.client.submit(ONE, idempotency_key=key) for key in keys]
    found = await audit(hurt, person.user.tenant_id, {job.id: noop(1) for job in again})

    assert len(found.jobs) == size


async def ask(stack: Stack, person: Person, key: str) -> asyncio.StreamWriter:
    """Submit over a connection of its own, whose answer nobody reads."""
    url, body = urlsplit(stack.url), msgspec.json.encode(ONE)
    _, line = await asyncio.open_connection(url.hostname, url.port)
    headers = {
        **person.headers,
        "Host": url.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Idempotency-Key": key,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    line.write(f"POST /v1/jobs HTTP/1.1\r\n{head}\r\n".encode() + body)
    await line.drain()
    return line


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
_STORED = "select count(*) from idempotency_keys, pg_sleep(0.02) where key = any($1)"
_STATE = "select state from pg_stat_activity where pid = $1"
