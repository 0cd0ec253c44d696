"""Concurrency keys, borrowed outputs, deadlines, fair tags, stalls, dead letters of jobs."""

from alembic import op

from tidemill_kit.log_schema import protect

revision = "0002"
down_revision = "0001"

SERVICE = "jobs"
# until it starts a job may wait so long, from then on it may take so long
DEADLINES = """
update jobs set deadline = case when started_at is null
    then greatest(created_at, run_at) + make_interval(secs => (timeouts->>'queue_s')::float)
    else started_at + make_interval(secs => (timeouts->>'total_s')::float) end
where finished_at is null
"""
KEYS = """
create table concurrency (
    tenant_id uuid not null,
    key text not null,
    job_id uuid not null,
    primary key (tenant_id, key)
)
"""


def upgrade() -> None:
    for statement in [
        "alter table jobs add column concurrency_key text, add column borrows jsonb,"
        " add column deadline timestamptz",
        "alter table tasks add column fair bigint not null default 0,"
        " add column stalled boolean not null default false",
        DEADLINES,
        "drop index jobs_open",
        "create index jobs_deadline on jobs (deadline) where finished_at is null",
        "create index jobs_keyed on jobs (tenant_id, concurrency_key, id)"
        " where status = 'blocked' and blocked_reason = 'concurrency_key'",
        "create index jobs_borrowed on jobs using gin (borrows jsonb_path_ops)"
        " where borrows is not null",
        "drop index tasks_queued",
        "create index tasks_queued on tasks (queue, pure, priority desc, fair, job_id)"
        " where status = 'queued'",
        KEYS,
        *protect(SERVICE, "concurrency"),
        "grant select, insert, update, delete on concurrency to tidemill_jobs",
        "alter table dead_letters rename at to created_at",
        "alter table dead_letters alter subject drop not null, alter body drop not null,"
        " add column kind text not null default 'message', add column job_id uuid",
    ]:
        op.execute(statement)


def downgrade() -> None:
    for statement in [
        "delete from dead_letters where kind <> 'message'",
        "alter table dead_letters drop column kind, drop column job_id,"
        " alter subject set not null, alter body set not null",
        "alter table dead_letters rename created_at to at",
        "drop table concurrency",
        "drop index tasks_queued, jobs_borrowed, jobs_keyed, jobs_deadline",
        "create index tasks_queued on tasks (queue, pure, priority desc, job_id)"
        " where status = 'queued'",
        "create index jobs_open on jobs (created_at) where finished_at is null",
        "alter table tasks drop column fair, drop column stalled",
        "alter table jobs drop column concurrency_key, drop column borrows, drop column deadline",
    ]:
        op.execute(statement)
