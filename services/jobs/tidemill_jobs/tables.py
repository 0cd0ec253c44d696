"""The tables that callers' reads go through; the ledger writes its own SQL."""

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from tidemill_kit.db import Timestamp, events_table

metadata = MetaData(schema="jobs")
events = events_table(metadata)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid),
    Column("created_by", Uuid),
    Column("system", Boolean),
    Column[Any]("processors", JSONB),
    Column("status", Text),
    Column("blocked_reason", Text),
    Column("dataset_id", Uuid),
    Column("pipeline", Text),
    Column[Any]("steps", JSON),
    Column[Any]("given", JSON),
    Column[Any]("progress", JSON),
    Column[Any]("error", JSON),
    Column("failure", Text),
    Column[Any]("cancel", JSON),
    Column("cancel_deadline", Timestamp),
    Column("attempt", Integer),
    Column("queue", Text),
    Column("priority", SmallInteger),
    Column[Any]("labels", JSONB),
    Column("retry_of", Uuid),
    Column("max_attempts", SmallInteger),
    Column[Any]("timeouts", JSON),
    Column("concurrency_key", Text),
    Column[Any]("borrows", JSONB),
    Column("deadline", Timestamp),
    Column("run_at", Timestamp),
    Column("next_attempt_at", Timestamp),
    Column("created_at", Timestamp),
    Column("updated_at", Timestamp),
    Column("started_at", Timestamp),
    Column("finished_at", Timestamp),
    Column("seq", Integer),
)
tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("job_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid),
    Column[Any]("steps", JSON),
    Column("queue", Text),
    Column("status", Text),
    Column("attempt", Integer),
    Column("run_id", Uuid),
)
attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("task_id", Uuid, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("tenant_id", Uuid),
    Column("run_id", Uuid),
    Column("worker", Text),
    Column("started_at", Timestamp),
    Column("finished_at", Timestamp),
    Column("outcome", Text),
    Column[Any]("error", JSON),
)
job_lines = Table(
    "job_lines",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("tenant_id", Uuid),
    Column("body", LargeBinary),
)
pipelines = Table(
    "pipelines",
    metadata,
    Column("tenant_id", Uuid),
    Column("name", Text, primary_key=True),
    Column[Any]("steps", JSONB),
    Column("summary", Text),
)
queue_pauses = Table(
    "queue_pauses",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("paused_by", Uuid),
)
schedules = Table(
    "schedules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid),
    Column("name", Text),
    Column[Any]("job", JSON),
    Column("cron", Text),
    Column("time_zone", Text),
    Column("every", Integer),
    Column("overlap", Text),
    Column("catch_up_s", Integer),
    Column("jitter_s", Integer),
    Column("pause_on_failure", Integer),
    Column("paused", Boolean),
    Column("note", Text),
    Column("resumed_at", Timestamp),
    Column("nominal_time", Timestamp),
    Column("next_at", Timestamp),
    Column("created_by", Uuid),
    Column("created_at", Timestamp),
    Column("updated_at", Timestamp),
    Column("seq", Integer),
)
schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("schedule_id", Uuid, primary_key=True),
    Column("nominal_time", Timestamp, primary_key=True),
    Column("tenant_id", Uuid),
    Column("at", Timestamp),
    Column("outcome", Text),
    Column("job_id", Uuid),
    Column("reason", Text),
)
archives = Table(
    "archives",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("digest", Text),
    Column("body", LargeBinary),
    Column("job", LargeBinary),
    Column("file", LargeBinary),
)
exports = Table(
    "exports",
    metadata,
    Column("tenant_id", Uuid),
    Column("job_id", Uuid, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("format", Text, primary_key=True),
    Column("export_id", Uuid),
)
