"""What processors say, kept with their jobs."""

from alembic import op

from tidemill_kit.log_schema import protect

revision = "0003"
down_revision = "0002"

SERVICE = "jobs"
# numbered without gaps per job: who takes the next number waits for whoever took the one before
LINES = """
create table job_lines (
    job_id uuid not null,
    number integer not null,
    tenant_id uuid not null,
    attempt integer not null,
    run_id uuid not null,
    ordinal integer not null,
    body bytea not null,
    primary key (job_id, number)
) partition by range (job_id)
"""
PARTITIONED = "'jobs', 'tasks', 'attempts', 'events'"
ENSURE_MONTHS = """
create or replace function ensure_months(until timestamptz) returns void
language plpgsql security definer set search_path from current as $$
declare
    month timestamptz := date_trunc('month', now() - interval '1 month', 'UTC');
    parent text;
begin
    while month <= until loop
        foreach parent in array array[{parents}] loop
            execute format(
                'create table if not exists %I partition of %I for values from (%L) to (%L)',
                parent || to_char(month at time zone 'UTC', '_YYYY_MM'), parent,
                uuid_floor(month), uuid_floor(month + interval '1 month'));
        end loop;
        month := month + interval '1 month';
    end loop;
end $$
"""


def upgrade() -> None:
    for statement in [
        LINES,
        ENSURE_MONTHS.format(parents=f"{PARTITIONED}, 'job_lines'"),
        "select ensure_months(now() + interval '2 months')",
        *protect(SERVICE, "job_lines"),
        "grant select, insert, update, delete on job_lines to tidemill_jobs",
        "grant select on job_lines to tidemill_jobs_caller",
    ]:
        op.execute(statement)


def downgrade() -> None:
    op.execute(ENSURE_MONTHS.format(parents=PARTITIONED))
    op.execute("drop table job_lines")
