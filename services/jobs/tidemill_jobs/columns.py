"""The columns of the tables that the ledger writes, with their PostgreSQL types."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from tidemill_contracts.jobs import Cancel, JobError, JobStatus, Progress, Timeouts
from tidemill_contracts.work import Payload
from tidemill_jobs.records import StepRecord, TaskStatus


class Column(NamedTuple):
    """A column, its PostgreSQL type and, for JSON, the type it holds."""

    name: str
    type: str
    read: Callable[[Any], Any] | None = None

    @property
    def is_json(self) -> bool:
        return self.type in ("json", "jsonb")


def _json(name: str, kind: Any, *, searched: bool = False) -> Column:
    """JSON kept to the letter, numbers and NUL included; what is searched must be jsonb."""
    return Column(name, "jsonb" if searched else "json", msgspec.json.Decoder(kind).decode)


FIXED_JOB = [
    Column("id", "uuid"),
    Column("tenant_id", "uuid"),
    Column("created_by", "uuid"),
    Column("system", "boolean"),
    Column("pipeline", "text"),
    Column("queue", "text"),
    Column("priority", "smallint"),
    _json("labels", dict[str, str], searched=True),
    _json("processors", list[str], searched=True),
    Column("retry_of", "uuid"),
    Column("max_attempts", "smallint"),
    Column("concurrency_key", "text"),
    _json("borrows", list[UUID], searched=True),
    _json("timeouts", Timeouts),
    Column("run_at", "timestamptz"),
    Column("dataset_id", "uuid"),
    Column("created_at", "timestamptz"),
]
CHANGING_JOB = [
    Column("status", "text", JobStatus),
    Column("blocked_reason", "text"),
    _json("steps", list[StepRecord]),
    _json("given", Payload),
    _json("progress", Progress),
    _json("error", JobError),
    Column("failure", "text"),
    _json("cancel", Cancel),
    Column("cancel_deadline", "timestamptz"),
    Column("deadline", "timestamptz"),
    Column("attempt", "integer"),
    Column("next_attempt_at", "timestamptz"),
    Column("updated_at", "timestamptz"),
    Column("started_at", "timestamptz"),
    Column("finished_at", "timestamptz"),
    Column("seq", "integer"),
]
FIXED_TASK = [
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
CHANGING_TASK = [
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
    Column("fair", "bigint"),
    Column("stalled", "boolean"),
]
ATTEMPT = [
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
DEAD_LETTER = [
    Column("id", "uuid"),
    Column("tenant_id", "uuid"),
    Column("job_id", "uuid"),
    Column("kind", "text"),
    Column("reason", "text"),
]
EVENT = [
    Column("id", "uuid"),
    Column("key", "uuid"),
    Column("seq", "integer"),
    Column("tenant_id", "uuid"),
    Column("type", "text"),
    Column("subject", "text"),
    Column("at", "timestamptz"),
    Column("body", "bytea"),
]
KEY = [
    Column("tenant_id", "uuid"),
    Column("route", "text"),
    Column("key", "text"),
    Column("fingerprint", "bytea"),
    Column("body", "bytea"),
    Column("status", "smallint"),
]
JOB = FIXED_JOB + CHANGING_JOB
TASK = FIXED_TASK + CHANGING_TASK
OLD_JOB = [FIXED_JOB[0], *CHANGING_JOB]
OLD_TASK = [FIXED_TASK[1], FIXED_TASK[0], *CHANGING_TASK]
