"""Whether the events make the jobs: every history folded and compared with its row.

Reads one snapshot of the database, writes nothing, and holds no more than a job at a time.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import MsgspecError, Struct, structs

from tidemill_contracts.catalogue import decode
from tidemill_contracts.event import type_of
from tidemill_contracts.fold import Fold, HistoryBroken
from tidemill_contracts.ids import moment_of
from tidemill_contracts.job_events import JobDeleted, JobEvent
from tidemill_contracts.jobs import Job, Step
from tidemill_contracts.work import Payload
from tidemill_jobs import columns, rows
from tidemill_jobs.past import completed
from tidemill_jobs.records import JobRecord
from tidemill_jobs.shown import public

AT_ONCE = 200
# before it was the moment in the job's id, `created_at` was taken a little after it
CREATED_WITHIN = timedelta(seconds=1)
_COMPARED = [name for name in Job.__struct_fields__ if name not in ("cursor", "steps")]
_STEP = Step.__struct_fields__


class Difference(Struct, frozen=True):
    """What the events say of a job, and what its row says."""

    job_id: UUID
    field: str
    folded: Any
    stored: Any


class Counts(Struct):
    """How much was looked at."""

    jobs: int = 0
    events: int = 0
    deleted: int = 0
    differences: int = 0


class History(Struct):
    """The rows of a job's events, in order."""

    job_id: UUID
    rows: list[asyncpg.Record]


async def snapshot(connection: asyncpg.Connection) -> None:
    """Let all that follows in this transaction read the same moment, for as long as it takes."""
    await connection.execute("set transaction isolation level repeatable read, read only")
    await connection.execute("set local statement_timeout = 0")
    await connection.execute("set local idle_in_transaction_session_timeout = 0")


async def differences(
    connection: asyncpg.Connection,
    counts: Counts,
) -> AsyncGenerator[Difference | None]:
    """Where folded and stored jobs differ, in the order of their ids; None after each job."""
    histories, stored = _histories(connection), _stored(connection)
    history, job = await anext(histories, None), await anext(stored, None)
    while history is not None or job is not None:
        if job is None or (history is not None and history.job_id < job.id):
            assert history is not None  # noqa: S101 - one of the two is there
            for each in await _without_row(connection, history, counts):
                yield each
            history = await anext(histories, None)
            continue
        mine = history if history is not None and history.job_id == job.id else None
        for each in [*compare(mine or History(job.id, []), public(job)), None]:
            yield each
        counts.jobs += 1
        counts.events += len(mine.rows) if mine else 0
        job = await anext(stored, None)
        if mine is not None:
            history = await anext(histories, None)


def compare(history: History, stored: Job) -> list[Difference]:
    """Where a job's row is not what its events make."""
    try:
        fold = Fold.of(_events(history))
    except HistoryBroken as error:
        return [Difference(stored.id, "events", str(error), f"{stored.seq} events")]
    told = completed(fold, stored)
    if fold.created_at is None and abs(moment_of(told.id) - stored.created_at) < CREATED_WITHIN:
        told = structs.replace(told, created_at=stored.created_at)
    pairs = [(name, getattr(told, name), getattr(stored, name)) for name in _COMPARED]
    pairs += _steps(told.steps, stored.steps)
    return [Difference(stored.id, *pair) for pair in pairs if pair[1] != pair[2]]


def _steps(told: list[Step], stored: list[Step]) -> list[tuple[str, Any, Any]]:
    names = [step.name for step in told]
    if names != [step.name for step in stored]:
        return [("steps", names, [step.name for step in stored])]
    return [
        (f"steps.{one.name}.{name}", getattr(one, name), getattr(other, name))
        for one, other in zip(told, stored, strict=True)
        if one != other
        for name in _STEP
    ]


def _events(history: History) -> list[JobEvent]:
    """The events of these rows, each of them the one that its row names, in its place."""
    found: list[JobEvent] = []
    last = (0, 0)
    for row in history.rows:
        event = _event(row)
        columns_say = (row["id"], row["key"], row["seq"], row["tenant_id"], row["type"])
        body_says = (event.id, event.job_id, event.seq, event.tenant_id, event.type)
        if columns_say != body_says:
            raise HistoryBroken(f"number {row['seq']} is not the event that its row names")
        place = None if row["stream_seq"] is None else (row["epoch"], row["stream_seq"])
        if last is None and place is not None:
            raise HistoryBroken(f"number {row['seq']} is published, the one before it is not")
        if last is not None and place is not None and place <= last:
            raise HistoryBroken(f"number {row['seq']} is published before the one before it")
        last = place
        found.append(event)
    return found


def _event(row: asyncpg.Record) -> JobEvent:
    try:
        event = decode(row["body"])
    except MsgspecError as error:
        raise HistoryBroken(f"number {row['seq']} cannot be read: {error}") from error
    if not isinstance(event, JobEvent):
        raise HistoryBroken(f"number {row['seq']} is of a kind that is not known here")
    return event


async def _without_row(
    connection: asyncpg.Connection,
    history: History,
    counts: Counts,
) -> list[Difference]:
    """Events whose job was deleted stay in the log; any other job must be there."""
    counts.events += len(history.rows)
    told = history.rows[-1]["type"] == type_of(JobDeleted)
    if told or await connection.fetchval(_DELETED, history.job_id):
        counts.deleted += 1
        return []
    return [Difference(history.job_id, "row", f"{len(history.rows)} events", "no row")]


async def _histories(connection: asyncpg.Connection) -> AsyncIterator[History]:
    current: History | None = None
    async for row in connection.cursor(_EVENTS, prefetch=AT_ONCE):
        if current is None or row["key"] != current.job_id:
            if current is not None:
                yield current
            current = History(row["key"], [])
        current.rows.append(row)
    if current is not None:
        yield current


async def _stored(connection: asyncpg.Connection) -> AsyncIterator[JobRecord]:
    async for row in connection.cursor(_JOBS, prefetch=AT_ONCE):
        yield JobRecord(**rows.read(row, _SHOWN), given=Payload())


_SHOWN = [column for column in columns.JOB if column.name in Job.__struct_fields__]
_JOBS = f"select {', '.join(column.name for column in _SHOWN)} from jobs order by id"
_EVENTS = """
select id, key, seq, tenant_id, type, epoch, stream_seq, body from events
where type like 'job.%' order by key, seq
"""
# before `job.deleted` was told
_DELETED = "select exists (select from garbage where job_id = $1)"
