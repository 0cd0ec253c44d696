"""Records to rows and back, many in one statement: SQL for the ledger's connection."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from tidemill_contracts.catalogue import encode
from tidemill_contracts.datasets import DatasetStatus, Frame
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.job_events import JobEvent
from tidemill_jobs import columns
from tidemill_jobs.book import Book
from tidemill_jobs.columns import Column
from tidemill_jobs.endings import fit
from tidemill_jobs.recent import RecentJobs
from tidemill_jobs.records import (
    DatasetCopy,
    JobRecord,
    TaskRecord,
)

_encode = msgspec.json.Encoder().encode
_JSONB_VERSION = b"\x01"


class Outdated(Exception):
    """Somebody else wrote a job since it was last written here."""


class EventRow(NamedTuple):
    """An event as it is stored: its body is what every reader will see."""

    id: UUID
    key: UUID
    seq: int
    tenant_id: UUID
    type: str
    subject: str
    at: datetime
    body: bytes


def event_row(event: JobEvent) -> EventRow:
    body = encode(event)
    if len(body) > MAX_EVENT_BYTES:
        body = encode(fit(event))
    return EventRow(
        event.id,
        event.job_id,
        event.seq,
        event.tenant_id,
        event.type,
        event.subject,
        event.at,
        body,
    )


class Part(NamedTuple):
    """One kind of change: the statement that makes it, and the columns that it is given."""

    sql: str
    columns: Sequence[Column]


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(column.name for column in columns)


def _insert(table: str, columns: Sequence[Column], more: str = "") -> Part:
    return Part(f"insert into {table} ({_names(columns)}) select * from {{given}}{more}", columns)


def _update(table: str, keys: int, columns: Sequence[Column]) -> Part:
    sets = ", ".join(f"{column.name} = given.{column.name}" for column in columns[keys:])
    where = " and ".join(f"{table}.{key.name} = given.{key.name}" for key in columns[:keys])
    return Part(f"update {table} set {sets} from {{given}} where {where}", columns)


_PARTS = {
    "new_jobs": _insert("jobs", columns.JOB),
    "new_tasks": _insert("tasks", columns.TASK),
    "jobs": _update("jobs", 1, columns.OLD_JOB),
    "tasks": _update("tasks", 2, columns.OLD_TASK),
    "events": _insert("events", columns.EVENT),
    "attempts": _insert(
        "attempts",
        columns.ATTEMPT,
        " on conflict (job_id, task_id, attempt) do update set finished_at = excluded.finished_at,"
        " outcome = excluded.outcome, error = excluded.error",
    ),
    "keys": _insert("idempotency_keys", columns.KEY),
    "dead_letters": _insert("dead_letters", columns.DEAD_LETTER),
}
_LOCK_JOBS = (
    f"select {_names(columns.JOB)} from jobs where id = any($1) order by id for no key update"
)
_READ_JOBS = f"select {_names(columns.JOB)} from jobs where id = any($1)"
_LOCK_ROWS = "select id, xmin from jobs where id = any($1) order by id for no key update"
_LOCKED = f"locked as ({_LOCK_ROWS})"
_UNCHANGED = """
unchanged as (
    select count(*) = cardinality($1::uuid[]) as whole
    from locked join unnest($1::uuid[], $2::xid[]) known (id, xmin) using (id)
    where locked.xmin = known.xmin
)
"""
# a statement of its own: its snapshot is taken when the locks are held
_READ_TASKS = (
    f"select {_names(columns.TASK)} from tasks where job_id = any($1) order by job_id, position"
)
_SHARE_DATASETS = (
    "select id, tenant_id, status, frame from datasets where id = any($1) order by id for share"
)


async def connect(database_url: str) -> asyncpg.Connection:
    """The ledger's connection; one that hangs is given up."""
    connection = await asyncpg.connect(
        database_url,
        timeout=3,
        command_timeout=10,
        server_settings={
            "search_path": "jobs",
            "application_name": "tidemill-jobs-ledger",
            "lock_timeout": "1000",
            "statement_timeout": "3000",
            # a replica that stands still must not hold its jobs' locks for ever
            "idle_in_transaction_session_timeout": "3000",
            # rows are touched by key alone: no plan may scan while tables grow
            "enable_seqscan": "off",
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
            "jit": "off",
            # planned anew for each length of its arrays a small group would take twice as long
            "plan_cache_mode": "force_generic_plan",
        },
    )
    await prepare(connection)
    return connection


async def prepare(connection: asyncpg.Connection) -> None:
    """JSON goes to and from the connection as bytes: each column knows its own type."""
    codecs = {"json": (bytes, bytes), "jsonb": (_to_jsonb, _from_jsonb)}
    for name, (encoder, decoder) in codecs.items():
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            format="binary",
            encoder=encoder,
            decoder=decoder,
        )


def _to_jsonb(body: bytes) -> bytes:
    return _JSONB_VERSION + body


def _from_jsonb(body: bytes) -> bytes:
    return bytes(body[1:])


async def share_datasets(
    connection: asyncpg.Connection,
    ids: Iterable[UUID],
) -> dict[UUID, DatasetCopy]:
    """The copies of datasets, held so that none becomes ready unseen."""
    frame_in = msgspec.json.Decoder(Frame).decode
    rows = await connection.fetch(_SHARE_DATASETS, list(ids))
    return {
        row["id"]: DatasetCopy(
            row["id"],
            row["tenant_id"],
            DatasetStatus(row["status"]),
            None if row["frame"] is None else frame_in(row["frame"]),
        )
        for row in rows
    }


async def lock_jobs(
    connection: asyncpg.Connection,
    ids: Iterable[UUID],
    recent: RecentJobs,
) -> dict[UUID, JobRecord]:
    """Jobs with their tasks, locked in the order of their ids; a job's lock covers its tasks."""
    wanted = list(ids)
    if not recent.holds(wanted):
        return await _with_tasks(connection, await connection.fetch(_LOCK_JOBS, wanted))
    locked = await connection.fetch(_LOCK_ROWS, wanted)
    jobs = recent.take({row[0]: row[1] for row in locked})
    if others := [row[0] for row in locked if row[0] not in jobs]:
        jobs |= await _with_tasks(connection, await connection.fetch(_READ_JOBS, others))
    return jobs


async def _with_tasks(
    connection: asyncpg.Connection,
    found: Sequence[asyncpg.Record],
) -> dict[UUID, JobRecord]:
    jobs = {row[0]: JobRecord(**read(row, columns.JOB)) for row in found}
    if jobs:
        for row in await connection.fetch(_READ_TASKS, list(jobs)):
            task = TaskRecord(**read(row, columns.TASK))
            jobs[task.job_id].tasks.append(task)
    return jobs


def changes(book: Book) -> dict[str, list[Any]]:
    """What a group changed, by the kinds of rows it makes or alters."""
    added = {job.id for job in book.added}
    changed = book.changed()
    old = [job for job in changed if job.id not in added]
    return {
        "new_jobs": list(book.added),
        "new_tasks": [task for job in book.added for task in job.tasks],
        "jobs": list(old),
        "tasks": [task for job in old for task in job.tasks],
        "events": [event_row(event) for job in changed for event in job.events],
        "attempts": [attempt for job in changed for attempt in job.attempts],
        "keys": list(book.new_keys),
        "dead_letters": [letter for job in changed for letter in job.dead_letters],
    }


async def write(
    connection: asyncpg.Connection,
    changes: dict[str, list[Any]],
    remembered: Mapping[UUID, int] | None = None,
) -> int:
    """Write all changes of a group in one statement; the keys of `changes` name its parts.

    Answers the transaction, which is the xmin of every row that was written. Jobs that were not
    locked but `remembered` must still have the xmin that is given: else nothing is written, and
    `Outdated` raised.
    """
    kinds = tuple(kind for kind in _PARTS if changes.get(kind))
    if not kinds:
        return 0
    arrays = [_array(changes[kind], column) for kind in kinds for column in _PARTS[kind].columns]
    checked = bool(remembered)
    known = [list(remembered), list(remembered.values())] if remembered else []
    transaction: Any = await connection.fetchval(
        _statement(kinds, checked=checked), *known, *arrays
    )
    if transaction is None:
        raise Outdated
    return transaction


@cache
def _statement(kinds: tuple[str, ...], *, checked: bool) -> str:
    number, parts, check = 1, list[str](), ""
    if checked:
        number, parts, check = 3, [_LOCKED, _UNCHANGED], " where (select whole from unchanged)"
    for kind in kinds:
        sql, columns = _PARTS[kind]
        arrays = ", ".join(f"${n}::{column.type}[]" for n, column in enumerate(columns, number))
        given = f"(select * from unnest({arrays}) each ({_names(columns)}){check}) given"
        parts.append(f"{kind}_written as ({sql.format(given=given)})")
        number += len(columns)
    return f"with {', '.join(parts)} select pg_current_xact_id()::xid{check}"


def _array(records: Sequence[Any], column: Column) -> list[Any]:
    values = [getattr(record, column.name) for record in records]
    if column.is_json:
        return [None if value is None else _encode(value) for value in values]
    return values


def read(row: asyncpg.Record, columns: Sequence[Column]) -> dict[str, Any]:
    """The values of a row that was selected by these columns."""
    found: dict[str, Any] = {}
    for index, column in enumerate(columns):
        value = row[index]
        found[column.name] = value if value is None or not column.read else column.read(value)
    return found
