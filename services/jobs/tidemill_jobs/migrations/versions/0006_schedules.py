"""Schedules, their next times as indexed rows, and what each time came to."""

from alembic import op

from tidemill_kit.log_schema import protect

revision = "0006"
down_revision = "0005"

SERVICE = "jobs"
CALLER = f"tidemill_{SERVICE}_caller"
TABLES = [
    """create table schedules (
        id uuid primary key,
        tenant_id uuid not null,
        name text not null,
        job json not null,
        cron text,
        time_zone text not null,
        every integer,
        overlap text not null,
        catch_up_s integer not null,
        jitter_s integer not null,
        pause_on_failure integer,
        paused boolean not null default false,
        note text,
        resumed_at timestamptz not null,
        nominal_time timestamptz,
        next_at timestamptz,
        created_by uuid,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        seq integer not null,
        unique (tenant_id, name)
    )""",
    "create index schedules_due on schedules (next_at) where not paused",
    "create index schedules_newest on schedules (tenant_id, id desc)",
    # the primary key is why two replicas cannot fire one time twice
    """create table schedule_runs (
        schedule_id uuid not null references schedules on delete cascade,
        nominal_time timestamptz not null,
        tenant_id uuid not null,
        at timestamptz not null default now(),
        outcome text not null,
        job_id uuid,
        reason text,
        primary key (schedule_id, nominal_time)
    )""",
]


def upgrade() -> None:
    walls = [w for table in ("schedules", "schedule_runs") for w in protect(SERVICE, table)]
    for statement in [
        *TABLES,
        *walls,
        "grant select, insert, update, delete on schedules, schedule_runs to tidemill_jobs",
        f"grant select, insert, update, delete on schedules to {CALLER}",
        f"grant select, insert on schedule_runs to {CALLER}",
        f"grant insert on events to {CALLER}",
    ]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table schedule_runs, schedules")
    op.execute(f"revoke insert on events from {CALLER}")
