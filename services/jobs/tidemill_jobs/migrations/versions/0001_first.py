"""The jobs service's tables."""

from alembic import op

from tidemill_kit.log_schema import grants, log_tables, protect

revision = "0001"
down_revision = None

SERVICE = "jobs"
CALLER_READS = ("jobs", "tasks", "attempts", "events", "publisher", "datasets", "pipelines")

JOBS = """
create table jobs (
    id uuid primary key,
    tenant_id uuid not null,
    created_by uuid,
    system boolean not null default false,
    processors jsonb not null,
    status text not null,
    blocked_reason text,
    dataset_id uuid,
    pipeline text,
    steps json not null,
    given json not null,
    progress json,
    error json,
    cancel json,
    cancel_deadline timestamptz,
    attempt integer not null default 0,
    queue text not null,
    priority smallint not null,
    labels jsonb not null default '{}',
    retry_of uuid,
    max_attempts smallint not null,
    timeouts json not null,
    run_at timestamptz,
    next_attempt_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    seq integer not null
) partition by range (id)
"""
TASKS = """
create table tasks (
    id uuid not null,
    job_id uuid not null,
    tenant_id uuid not null,
    position smallint not null,
    steps json not null,
    needs json not null,
    queue text not null,
    priority smallint not null,
    pure boolean not null,
    status text not null,
    attempt integer not null default 0,
    run_id uuid,
    dispatch integer not null default 0,
    dispatched_at timestamptz,
    worker text,
    boot_id uuid,
    lease_until timestamptz,
    ordinal integer not null default 0,
    failures json not null default '{}',
    next_at timestamptz,
    checkpoint json,
    primary key (job_id, id)
) partition by range (job_id)
"""
ATTEMPTS = """
create table attempts (
    job_id uuid not null,
    task_id uuid not null,
    attempt integer not null,
    tenant_id uuid not null,
    run_id uuid not null,
    worker text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    outcome text,
    error json,
    primary key (job_id, task_id, attempt)
) partition by range (job_id)
"""
INDEXES = [
    "create index jobs_newest on jobs (tenant_id, id desc)",
    "create index jobs_by_status on jobs (tenant_id, status, id desc)",
    "create index jobs_waiting on jobs (blocked_reason) where status = 'blocked'",
    "create index jobs_of_dataset on jobs (dataset_id) where status = 'blocked'",
    "create index jobs_scheduled on jobs (run_at) where status = 'scheduled'",
    "create index jobs_cancelling on jobs (cancel_deadline) where status = 'cancelling'",
    "create index jobs_open on jobs (created_at) where finished_at is null",
    "create index tasks_queued on tasks (queue, pure, priority desc, job_id)"
    " where status = 'queued'",
    "create index tasks_out on tasks (queue, pure, dispatched_at)"
    " where status in ('dispatched', 'running')",
    "create index tasks_leases on tasks (lease_until) where status = 'running'",
    "create index tasks_retrying on tasks (next_at) where status = 'retrying'",
]
# a month is a range of uuid version 7: its first 48 bits are the milliseconds since 1970
UUID_FLOOR = """
create function uuid_floor(moment timestamptz) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid
$$
"""
ENSURE_MONTHS = """
create function ensure_months(until timestamptz) returns void
language plpgsql security definer set search_path from current as $$
declare
    month timestamptz := date_trunc('month', now() - interval '1 month', 'UTC');
    parent text;
begin
    while month <= until loop
        foreach parent in array array['jobs', 'tasks', 'attempts', 'events'] loop
            execute format(
                'create table if not exists %I partition of %I for values from (%L) to (%L)',
                parent || to_char(month at time zone 'UTC', '_YYYY_MM'), parent,
                uuid_floor(month), uuid_floor(month + interval '1 month'));
        end loop;
        month := month + interval '1 month';
    end loop;
end $$
"""
OTHERS = [
    """create table datasets (
        id uuid primary key,
        tenant_id uuid not null,
        status text not null,
        frame jsonb
    )""",
    """create table processors (
        name text primary key,
        info jsonb not null,
        last_seen_at timestamptz not null
    )""",
    """create table workers (
        name text primary key,
        boot_id uuid not null,
        slots integer not null,
        processors text[] not null,
        queues text[] not null,
        last_seen_at timestamptz not null
    )""",
    """create table pipelines (
        tenant_id uuid,
        name text not null,
        steps jsonb not null,
        summary text not null default '',
        unique nulls not distinct (tenant_id, name)
    )""",
    "create table queues (name text primary key, paused boolean not null default false)",
    """create table idempotency_keys (
        tenant_id uuid not null,
        route text not null,
        key text not null,
        fingerprint bytea not null,
        status smallint not null,
        body bytea not null,
        created_at timestamptz not null default now(),
        primary key (tenant_id, route, key)
    )""",
    """create table exports (
        tenant_id uuid not null,
        job_id uuid not null,
        step text not null,
        format text not null,
        export_id uuid not null,
        primary key (job_id, step, format)
    )""",
    """create table log (
        only_one boolean primary key default true check (only_one),
        epoch integer not null default 0,
        head bigint not null default 0
    )""",
    "insert into log default values",
]
ARITHMETIC = """
insert into pipelines (tenant_id, name, steps, summary) values (null, 'arithmetic', '[
    {"processor": "add", "params": {"amount": 5}},
    {"processor": "multiply", "params": {"factor": 2}},
    {"processor": "subtract", "params": {"amount": 10}}
]', 'Add 5, multiply by 2, subtract 10.')
"""


def upgrade() -> None:
    for statement in [JOBS, TASKS, ATTEMPTS, *log_tables(partitioned=True), *INDEXES]:
        op.execute(statement)
    for statement in [
        UUID_FLOOR,
        ENSURE_MONTHS,
        "select ensure_months(now() + interval '2 months')",
        *OTHERS,
    ]:
        op.execute(statement)
    op.execute(ARITHMETIC)
    for table in ("jobs", "tasks", "attempts", "events", "datasets", "exports"):
        for statement in protect(SERVICE, table):
            op.execute(statement)
    for statement in [*_pipelines_policy(), *grants(SERVICE)]:
        op.execute(statement)
    op.execute(f"grant select on {', '.join(CALLER_READS)}, exports to tidemill_jobs_caller")
    op.execute("grant insert, delete on pipelines to tidemill_jobs_caller")
    op.execute("grant select on processors, workers, queues to tidemill_jobs_caller")


def downgrade() -> None:
    op.execute("drop function ensure_months, uuid_floor")
    for table in (
        *("jobs", "tasks", "attempts", "events", "publisher", "consumers", "inbox"),
        *("dead_letters", "datasets", "processors", "workers", "pipelines", "queues"),
        *("idempotency_keys", "exports", "log"),
    ):
        op.execute(f"drop table {table}")


def _pipelines_policy() -> list[str]:
    """Pipelines without a tenant ship with the system: everybody reads them, nobody writes."""
    mine = "tenant_id = nullif(current_setting('tm.tenant', true), '')::uuid"
    return [
        "alter table pipelines enable row level security",
        "create policy service on pipelines to tidemill_jobs using (true) with check (true)",
        "create policy shipped on pipelines for select to tidemill_jobs_caller"
        " using (tenant_id is null)",
        f"create policy caller on pipelines to tidemill_jobs_caller using ({mine})"
        f" with check ({mine})",
    ]
