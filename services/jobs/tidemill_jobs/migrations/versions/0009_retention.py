"""How far the log is forgotten, and months of which nothing is left."""

from alembic import op

revision = "0009"
down_revision = "0008"

# a month is dropped whole: an old job that is open needs all of its tables
DROP_EMPTY_MONTHS = """
create function drop_empty_months() returns void
language plpgsql security definer set search_path from current set lock_timeout = '200ms' as $$
declare
    parents text[] := array['jobs', 'tasks', 'attempts', 'events', 'job_lines', 'job_facets'];
    suffix text;
    parent text;
    filled boolean;
begin
    for suffix in
        select substr(child.relname, 5) from pg_inherits
        join pg_class child on child.oid = inhrelid
        where inhparent = 'jobs'::regclass and substr(child.relname, 5)
            < to_char((now() - interval '2 months') at time zone 'UTC', '_YYYY_MM')
    loop
        foreach parent in array parents loop
            execute format('select exists (select from %I)', parent || suffix) into filled;
            exit when filled;
        end loop;
        if not filled then
            foreach parent in array parents loop
                execute format('drop table %I', parent || suffix);
            end loop;
        end if;
    end loop;
exception when lock_not_available then
    raise notice 'another time';
end $$
"""


def upgrade() -> None:
    for statement in [
        """create table forgotten (
            only_one boolean primary key default true check (only_one),
            epoch integer not null default 0,
            position bigint not null default 0
        )""",
        "insert into forgotten default values",
        "grant select, update on forgotten to tidemill_jobs",
        DROP_EMPTY_MONTHS,
        "grant execute on function drop_empty_months() to tidemill_jobs",
    ]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop function drop_empty_months()")
    op.execute("drop table forgotten")
