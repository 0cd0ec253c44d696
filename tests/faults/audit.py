"""What must hold once a run is over, whatever was done to the system meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Container, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from tests.faults.load import Wanted
from tidemill_contracts.jobs import JobStatus
from tidemill_contracts.log import Cursor
from tidemill_jobs import rows, verification
from tidemill_jobs.settings import JobsSettings
from tidemill_kit import bus, streams
from tidemill_kit.settings import load
from tidemill_kit.streams import EVENTS, Stored
from tidemill_stack.stack import Stack

QUIET_S = 120.0
ENDINGS = {"job.succeeded", "job.failed", "job.cancelled", "job.expired"}


class Finding(Struct, kw_only=True):
    """All that is kept of a tenant's jobs: rows of PostgreSQL, messages of EVENTS."""

    epoch: int
    jobs: dict[UUID, asyncpg.Record]
    tasks: list[asyncpg.Record]
    attempts: list[asyncpg.Record]
    events: dict[UUID, list[asyncpg.Record]]
    stream: dict[UUID, list[Stored]]

    def types(self, job_id: UUID) -> list[str]:
        return [event["type"].removeprefix("job.") for event in self.events[job_id]]

    def attempts_of(self, jobs: Container[UUID]) -> list[asyncpg.Record]:
        return [attempt for attempt in self.attempts if attempt["job_id"] in jobs]

    def count(self, kind: str) -> int:
        """How many events of this type there are."""
        return sum(self.types(job_id).count(kind) for job_id in self.events)


@asynccontextmanager
async def tables(stack: Stack) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that sees everything, as soon as there is one."""
    settings = {"search_path": "jobs"}
    connection: asyncpg.Connection | None = None
    while connection is None:
        with suppress(asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, OSError):
            connection = await asyncpg.connect(stack.postgres_url(), server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


async def number_of(connection: asyncpg.Connection, query: str, *given: Any) -> int:
    """The one number that a query finds."""
    found: Any = await connection.fetchval(query, *given)
    return int(found)


async def audit(stack: Stack, tenant_id: UUID, wanted: Mapping[UUID, Wanted]) -> Finding:
    """Wait until all has ended and is published, then check every promise."""
    async with tables(stack) as connection:
        await quiet(connection, tenant_id)
        found = await read(stack, connection, tenant_id)
    assert set(found.jobs) == set(wanted)
    for job_id, job in found.jobs.items():
        events = found.events[job_id]
        check_ending(job, events)
        check_result(job, wanted[job_id])
        check_effects(job, events)
        check_log(found, job_id)
    check_owners(found)
    await check_rows(stack)
    return found


async def at_work(stack: Stack, tenant_id: UUID, tasks: int = 1, *, attempt: int = 1) -> None:
    """Wait until so many of the tenant's tasks run in a slot, in this attempt or a later one."""
    async with asyncio.timeout(QUIET_S), tables(stack) as connection:
        while await number_of(connection, _AT_WORK, tenant_id, attempt) < tasks:
            pass


async def quiet(connection: asyncpg.Connection, tenant_id: UUID) -> None:
    """Wait until no job is open, nothing waits to be published and no message is unrecorded."""
    try:
        async with asyncio.timeout(QUIET_S):
            while await connection.fetchval(_RESTLESS, tenant_id):
                pass
    except TimeoutError:
        rows = await connection.fetch(_OPEN, tenant_id)
        raise AssertionError(f"still restless: {[dict(row) for row in rows]}") from None


async def read(stack: Stack, connection: asyncpg.Connection, tenant_id: UUID) -> Finding:
    events: dict[UUID, list[asyncpg.Record]] = {}
    for row in await connection.fetch(_EVENTS, tenant_id):
        events.setdefault(row["key"], []).append(row)
    jobs = await connection.fetch(_JOBS, tenant_id)
    return Finding(
        epoch=await number_of(connection, "select epoch from log"),
        jobs={row["id"]: row for row in jobs},
        tasks=await connection.fetch("select * from tasks where tenant_id = $1", tenant_id),
        attempts=await connection.fetch(_ATTEMPTS, tenant_id),
        events=events,
        stream=await published(stack, tenant_id),
    )


async def published(stack: Stack, tenant_id: UUID) -> dict[UUID, list[Stored]]:
    """The messages of EVENTS by job, each event at its first place."""
    client = await bus.connect(load(JobsSettings, stack.env("jobs")), "audit")
    try:
        seen, found = set[str | None](), dict[UUID, list[Stored]]()
        start, subjects = 1, f"tm.event.{tenant_id.hex}.job.>"
        while some := await streams.read(client, EVENTS, start, subjects=subjects):
            start = some[-1].sequence + 1
            for item in some:
                if item.message_id not in seen:
                    seen.add(item.message_id)
                    job_id = UUID(msgspec.json.decode(item.body)["job_id"])
                    found.setdefault(job_id, []).append(item)
        return found
    finally:
        await client.close()


async def check_rows(stack: Stack) -> None:
    """Every job's row is what its events make of it."""
    async with tables(stack) as connection, connection.transaction():
        await verification.snapshot(connection)
        await rows.prepare(connection)
        counts = verification.Counts()
        found = [each async for each in verification.differences(connection, counts) if each]
    assert found == []


def check_ending(job: asyncpg.Record, events: list[asyncpg.Record]) -> None:
    """Events are numbered 1..n; one is an ending, it is the last and the status."""
    assert [event["seq"] for event in events] == list(range(1, job["seq"] + 1))
    endings = [event["type"] for event in events if event["type"] in ENDINGS]
    assert endings == [f"job.{job['status']}"]
    assert events[-1]["type"] in ENDINGS
    cancel = job["cancel"] and msgspec.json.decode(job["cancel"])
    assert cancel is None or cancel["outcome"] is not None
    if job["status"] == JobStatus.CANCELLED:
        assert cancel is not None


def check_result(job: asyncpg.Record, wanted: Wanted) -> None:
    assert wanted.ending in (None, job["status"]), (job["id"], job["status"], job["error"])
    if job["status"] == JobStatus.SUCCEEDED:
        last: dict[str, Any] = msgspec.json.decode(job["steps"])[-1]
        assert wanted.look(last["kept"].get("value")) == wanted.value


def check_effects(job: asyncpg.Record, events: list[asyncpg.Record]) -> None:
    """No step's output is applied twice; attempts of a job never count backwards."""
    bodies = [msgspec.json.decode(event["body"]) for event in events]
    applied = Counter(body["step"] for body in bodies if body["type"] == "job.step_succeeded")
    assert set(applied.values()) <= {1}, applied
    if job["status"] == JobStatus.SUCCEEDED:
        assert set(applied) == {step["name"] for step in msgspec.json.decode(job["steps"])}


def check_log(found: Finding, job_id: UUID) -> None:
    """EVENTS holds what PostgreSQL holds, in the order of the job's numbers, at those places."""
    events = found.events[job_id]
    places = [Cursor(event["epoch"], event["stream_seq"]) for event in events]
    assert places == sorted(set(places)), (job_id, places)
    now = [event for event in events if event["epoch"] == found.epoch]
    stream = found.stream.get(job_id, [])
    assert [item.body for item in stream] == [event["body"] for event in now], job_id
    assert [item.sequence for item in stream] == [event["stream_seq"] for event in now]


def check_owners(found: Finding) -> None:
    """An attempt has one owner, is over, and at most one of a task's attempts did the work."""
    runs = Counter(attempt["run_id"] for attempt in found.attempts)
    assert set(runs.values()) <= {1}
    assert all(attempt["finished_at"] for attempt in found.attempts)
    done = Counter(a["task_id"] for a in found.attempts if a["outcome"] == "succeeded")
    assert set(done.values()) <= {1}
    numbers = {(task["job_id"], task["id"]): task["attempt"] for task in found.tasks}
    counted = Counter((a["job_id"], a["task_id"]) for a in found.attempts)
    assert {place: number for place, number in numbers.items() if number} == counted
    over = {"done", "failed", "cancelled", "killed", "lost"}
    open_tasks = [dict(task) for task in found.tasks if task["status"] not in over]
    assert open_tasks == [], open_tasks


_RESTLESS = """
select exists (select 1 from jobs where tenant_id = $1 and finished_at is null)
    or exists (select 1 from events where tenant_id = $1 and stream_seq is null)
from pg_sleep(0.1)
"""
_AT_WORK = """
select count(*) from tasks, pg_sleep(0.02)
where tenant_id = $1 and status = 'running' and attempt >= $2
"""
_OPEN = """
select jobs.id, jobs.status, jobs.seq, jobs.cancel_deadline, tasks.status as task,
    tasks.dispatch, tasks.dispatched_at, tasks.lease_until, tasks.attempt, tasks.next_at,
    (select count(*) from events where key = jobs.id and stream_seq is null) as unpublished
from jobs left join tasks on tasks.job_id = jobs.id
where jobs.tenant_id = $1 and (jobs.finished_at is null
    or exists (select 1 from events where key = jobs.id and stream_seq is null))
limit 20
"""
_JOBS = "select * from jobs where tenant_id = $1 and not system order by id"
_ATTEMPTS = "select * from attempts where tenant_id = $1 order by job_id, task_id, attempt"
_EVENTS = """
select key, seq, type, body, epoch, stream_seq from events where tenant_id = $1 order by key, seq
"""
