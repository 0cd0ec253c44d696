"""What operators need: pauses of one tenant, and lists and sweeps that hold at any size."""

from alembic import op

from tidemill_kit.log_schema import protect

revision = "0004"
down_revision = "0003"

SERVICE = "jobs"
CALLER = "tidemill_jobs_caller"
PAUSES = [
    """create table queue_pauses (
        tenant_id uuid not null,
        queue text not null,
        paused_by uuid,
        paused_at timestamptz not null default now(),
        primary key (queue, tenant_id)
    )""",
    *protect(SERVICE, "queue_pauses"),
    f"grant select, insert, delete on queue_pauses to tidemill_jobs, {CALLER}",
]

# written once with the job: rows of jobs change often, and each of their indexes with them
FACETS = [
    """create table job_facets (
        tenant_id uuid not null,
        facet text not null,
        job_id uuid not null,
        primary key (tenant_id, facet, job_id)
    ) partition by range (job_id)""",
    *protect(SERVICE, "job_facets"),
    "grant select, insert, delete on job_facets to tidemill_jobs",
    f"grant select on job_facets to {CALLER}",
    """create function facets_of(
        processors jsonb, labels jsonb, queue text, pipeline text, retry_of uuid
    ) returns setof text language sql immutable as $$
        select 'processor:' || name from jsonb_array_elements_text(processors) name
        union select 'label:' || key || ':' || value from jsonb_each_text(labels)
        union select 'queue:' || queue where queue <> 'default'
        union select 'pipeline:' || pipeline where pipeline is not null
        union select 'retry_of:' || retry_of where retry_of is not null
    $$""",
    """create function note_facets() returns trigger language plpgsql as $$
    begin
        insert into jobs.job_facets select made.tenant_id, facet, made.id
        from made, jobs.facets_of(processors, labels, queue, pipeline, retry_of) facet;
        return null;
    end $$""",
    """create function forget_facets() returns trigger language plpgsql as $$
    begin
        delete from jobs.job_facets where (tenant_id, facet, job_id) in (
            select gone.tenant_id, facet, gone.id
            from gone, jobs.facets_of(processors, labels, queue, pipeline, retry_of) facet);
        return null;
    end $$""",
    "create trigger note_facets after insert on jobs referencing new table as made"
    " for each statement execute function note_facets()",
    "create trigger forget_facets after delete on jobs referencing old table as gone"
    " for each statement execute function forget_facets()",
]
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
FIRST_PARENTS = "'jobs', 'tasks', 'attempts', 'events', 'job_lines'"
PARENTS = f"{FIRST_PARENTS}, 'job_facets'"
MONTHS_OF_JOBS = """
do $$
declare
    month record;
begin
    for month in
        select substr(child.relname, 5) as suffix,
            pg_get_expr(child.relpartbound, child.oid) as bound
        from pg_inherits join pg_class child on child.oid = inhrelid
        where inhparent = 'jobs'::regclass
    loop
        execute format('create table if not exists %I partition of job_facets %s',
            'job_facets' || month.suffix, month.bound);
    end loop;
end $$
"""
OLDER_JOBS = """
insert into job_facets select tenant_id, facet, id
from jobs, facets_of(processors, labels, queue, pipeline, retry_of) facet
"""
# prefixes of objects that no job owns any more; whoever collects them asks first who borrows
GARBAGE = [
    """create table garbage (
        job_id uuid primary key,
        tenant_id uuid not null,
        prefix text not null,
        deleted_at timestamptz not null default now()
    )""",
    "create index garbage_age on garbage (deleted_at)",
    *protect(SERVICE, "garbage"),
    "grant select, insert, delete on garbage to tidemill_jobs",
]
LETTERS = [
    "alter table dead_letters add column redriven_as uuid",
    "create index dead_letters_newest on dead_letters (tenant_id, id desc)",
    "create index dead_letters_of_job on dead_letters (job_id) where job_id is not null",
    *protect(SERVICE, "dead_letters"),
]
KEYS = [
    "alter table idempotency_keys add column location text",
    "create index idempotency_keys_age on idempotency_keys (created_at)",
    *protect(SERVICE, "idempotency_keys"),
    f"grant select, insert, update on idempotency_keys to {CALLER}",
]
INDEXES = [
    "alter table jobs add column failure text",
    "create index jobs_failures on jobs (tenant_id, failure, finished_at)"
    " where failure is not null and not system",
    "drop index jobs_waiting",
    "create index jobs_waiting on jobs (blocked_reason, id) where status = 'blocked'",
]


def upgrade() -> None:
    for statement in [
        *PAUSES,
        *GARBAGE,
        *LETTERS,
        *KEYS,
        *FACETS,
        ENSURE_MONTHS.format(parents=PARENTS),
    ]:
        op.execute(statement)
    op.execute(MONTHS_OF_JOBS)
    for statement in [OLDER_JOBS, *INDEXES]:
        op.execute(statement)


def downgrade() -> None:
    op.execute(ENSURE_MONTHS.format(parents=FIRST_PARENTS))
    op.execute("drop index jobs_waiting")
    op.execute("create index jobs_waiting on jobs (blocked_reason) where status = 'blocked'")
    op.execute("drop trigger note_facets on jobs")
    op.execute("drop trigger forget_facets on jobs")
    op.execute("drop function note_facets, forget_facets, facets_of")
    op.execute("drop table queue_pauses, job_facets, garbage")
    op.execute("drop index idempotency_keys_age, dead_letters_newest, dead_letters_of_job")
    op.execute("alter table idempotency_keys drop column location")
    op.execute("alter table dead_letters drop column redriven_as")
    op.execute("alter table jobs drop column failure")
    for table in ("idempotency_keys", "dead_letters"):
        op.execute(f"drop policy service on {table}")
        op.execute(f"drop policy caller on {table}")
        op.execute(f"alter table {table} disable row level security")
    op.execute(f"revoke all on idempotency_keys from {CALLER}")
