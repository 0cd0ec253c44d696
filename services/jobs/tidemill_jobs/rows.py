"""Records to rows and back, many in one statement: SQL for the ledger's connection."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from tidemill_contracts.datasets import DatasetStatus, Frame
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import Cancel, JobError, JobStatus, Progress, Timeouts
from tidemill_contracts.work import Payload
from tidemill_jobs.endings import fit
from tidemill_jobs.records import (
    AttemptRecord,
    DatasetCopy,
    JobRecord,
    StepRecord,
    TaskRecord,
    TaskStatus,
)
from tidemill_kit.db import event_row

_encode = msgspec.json.Encoder().encode
_JSONB_VERSION = b"\x01"


class Column(NamedTuple):
    """A column, its PostgreSQL type and, for JSON, the type it holds."""

    name: str
    type: str
    read: Callable[[Any], Any] | None = None

    @property
    def is_json(self) -> bool:
        return self.type == "jsonb"


def _json(name: str, kind: Any) -> Column:
    return Column(name, "jsonb", msgspec.json.Decoder(kind).decode)


_FIXED_JOB = [
    Column("id", "uuid"),
    Column("tenant_id", "uuid"),
    Column("created_by", "uuid"),
    Column("system", "boolean"),
    Column("pipeline", "text"),
    Column("queue", "text"),
    Column("priority", "smallint"),
    _json("labels", dict[str, str]),
    Column("retry_of", "uuid"),
    Column("max_attempts", "smallint"),
    _json("timeouts", Timeouts),
    Column("run_at", "timestamptz"),
    Column("dataset_id", "uuid"),
    Column("created_at", "timestamptz"),
]
_CHANGING_JOB = [
    Column("status", "text", JobStatus),
    Column("blocked_reason", "text"),
    _json("steps", list[StepRecord]),
    _json("given", Payload),
    _json("progress", Progress),
    _json("error", JobError),
    _json("cancel", Cancel),
    Column("cancel_deadline", "timestamptz"),
    Column("attempt", "integer"),
    Column("next_attempt_at", "timestamptz"),
    Column("updated_at", "timestamptz"),
    Column("started_at", "timestamptz"),
    Column("finished_at", "timestamptz"),
    Column("seq", "integer"),
]
_FIXED_TASK = [
    Column("id", "uuid"),
    Column("job_id", "uuid"),
    Column("tenant_id", "uuid"),
    Column("position", "smallint"),
    _json("steps", list[int]),
    _json("needs", list[int]),
    Column("queue", "text"),
    Column("priority", "smallint"),
    Column("pure", "boolean"),
]
_CHANGING_TASK = [
    Column("status", "text", TaskStatus),
    Column("attempt", "integer"),
    Column("run_id", "uuid"),
    Column("dispatch", "integer"),
    Column("dispatched_at", "timestamptz"),
    Column("worker", "text"),
    Column("boot_id", "uuid"),
    Column("lease_until", "timestamptz"),
    Column("ordinal", "integer"),
    _json("failures", dict[str, int]),
    Column("next_at", "timestamptz"),
    _json("checkpoint", Any),
]
_ATTEMPT = [
    Column("job_id", "uuid"),
    Column("task_id", "uuid"),
    Column("attempt", "integer"),
    Column("tenant_id", "uuid"),
    Column("run_id", "uuid"),
    Column("worker", "text"),
    Column("started_at", "timestamptz"),
    Column("finished_at", "timestamptz"),
    Column("outcome", "text"),
    _json("error", JobError),
]
_EVENT = [
    Column("id", "uuid"),
    Column("key", "uuid"),
    Column("seq", "integer"),
    Column("tenant_id", "uuid"),
    Column("type", "text"),
    Column("subject", "text"),
    Column("at", "timestamptz"),
    Column("body", "bytea"),
]
_JOB = _FIXED_JOB + _CHANGING_JOB
_TASK = _FIXED_TASK + _CHANGING_TASK


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(column.name for column in columns)


def _unnest(columns: Sequence[Column]) -> str:
    arrays = ", ".join(f"${n}::{column.type}[]" for n, column in enumerate(columns, 1))
    return f"unnest({arrays}) given ({_names(columns)})"


def _insert(table: str, columns: Sequence[Column]) -> str:
    return f"insert into {table} ({_names(columns)}) select * from {_unnest(columns)}"


def _update(table: str, keys: Sequence[Column], changing: Sequence[Column]) -> str:
    sets = ", ".join(f"{column.name} = given.{column.name}" for column in changing)
    where = " and ".join(f"{table}.{key.name} = given.{key.name}" for key in keys)
    return f"update {table} set {sets} from {_unnest([*keys, *changing])} where {where}"


_INSERT_JOBS = _insert("jobs", _JOB)
_INSERT_TASKS = _insert("tasks", _TASK)
_INSERT_EVENTS = _insert("events", _EVENT)
_JOB_KEY, _TASK_KEY = [_FIXED_JOB[0]], [_FIXED_TASK[1], _FIXED_TASK[0]]
_UPDATE_JOBS = _update("jobs", _JOB_KEY, _CHANGING_JOB)
_UPDATE_TASKS = _update("tasks", _TASK_KEY, _CHANGING_TASK)
_UPSERT_ATTEMPTS = (
    _insert("attempts", _ATTEMPT)
    + " on conflict (job_id, task_id, attempt) do update"
    + " set finished_at = excluded.finished_at, outcome = excluded.outcome, error = excluded.error"
)
_LOCK_JOBS = f"select {_names(_JOB)} from jobs where id = any($1) order by id for no key update"
_READ_TASKS = f"select {_names(_TASK)} from tasks where job_id = any($1) order by job_id, position"
_SHARE_DATASETS = (
    "select id, tenant_id, status, frame from datasets where id = any($1) order by id for share"
)


async def prepare(connection: asyncpg.Connection) -> None:
    """JSON goes to and from the connection as bytes: each column knows its own type."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=_to_jsonb,
        decoder=_from_jsonb,
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
    read = msgspec.json.Decoder(Frame).decode
    rows = await connection.fetch(_SHARE_DATASETS, list(ids))
    return {
        row["id"]: DatasetCopy(
            row["id"],
            row["tenant_id"],
            DatasetStatus(row["status"]),
            None if row["frame"] is None else read(row["frame"]),
        )
        for row in rows
    }


async def lock_jobs(
    connection: asyncpg.Connection,
    ids: Iterable[UUID],
) -> dict[UUID, JobRecord]:
    """Jobs with their tasks; a job's lock covers its tasks."""
    wanted = list(ids)
    jobs: dict[UUID, JobRecord] = {}
    for row in await connection.fetch(_LOCK_JOBS, wanted):
        job = JobRecord(**_read(row, _JOB))
        jobs[job.id] = job
    if jobs:
        for row in await connection.fetch(_READ_TASKS, wanted):
            task = TaskRecord(**_read(row, _TASK))
            jobs[task.job_id].tasks.append(task)
    return jobs


async def insert_jobs(connection: asyncpg.Connection, jobs: Sequence[JobRecord]) -> None:
    await connection.execute(_INSERT_JOBS, *_arrays(jobs, _JOB))
    tasks = [task for job in jobs for task in job.tasks]
    await connection.execute(_INSERT_TASKS, *_arrays(tasks, _TASK))


async def update_jobs(connection: asyncpg.Connection, jobs: Sequence[JobRecord]) -> None:
    await connection.execute(_UPDATE_JOBS, *_arrays(jobs, [*_JOB_KEY, *_CHANGING_JOB]))
    await update_tasks(connection, jobs)


async def update_tasks(connection: asyncpg.Connection, jobs: Sequence[JobRecord]) -> None:
    tasks = [task for job in jobs for task in job.tasks]
    await connection.execute(_UPDATE_TASKS, *_arrays(tasks, [*_TASK_KEY, *_CHANGING_TASK]))


async def add_events(connection: asyncpg.Connection, events: Sequence[JobEvent]) -> None:
    rows = [event_row(fit(event)) for event in events]
    columns = [[row[column.name] for row in rows] for column in _EVENT]
    await connection.execute(_INSERT_EVENTS, *columns)


async def put_attempts(connection: asyncpg.Connection, attempts: Sequence[AttemptRecord]) -> None:
    await connection.execute(_UPSERT_ATTEMPTS, *_arrays(attempts, _ATTEMPT))


def _arrays(records: Sequence[Any], columns: Sequence[Column]) -> list[list[Any]]:
    return [_array(records, column) for column in columns]


def _array(records: Sequence[Any], column: Column) -> list[Any]:
    values = [getattr(record, column.name) for record in records]
    if column.is_json:
        return [None if value is None else _encode(value) for value in values]
    return values


def _read(row: asyncpg.Record, columns: Sequence[Column]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in columns:
        value = row[column.name]
        found[column.name] = value if value is None or not column.read else column.read(value)
    return found


def earliest(jobs: Iterable[JobRecord]) -> datetime | None:
    """When the first of these jobs wants to be looked at again."""
    times = [
        moment
        for job in jobs
        if not job.status.is_final
        for moment in (
            job.cancel_deadline,
            job.run_at if job.status is JobStatus.SCHEDULED else None,
            *(task.next_at for task in job.tasks if task.status is TaskStatus.RETRYING),
        )
        if moment is not None
    ]
    return min(times, default=None)
