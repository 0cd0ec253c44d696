"""Jobs of other systems, as files told of them."""

from alembic import op

from tidemill_kit.log_schema import protect

revision = "0008"
down_revision = "0007"

SERVICE = "jobs"


def upgrade() -> None:
    for statement in [
        """create table archives (
            tenant_id uuid not null,
            id uuid not null,
            digest text not null,
            body bytea not null,
            job bytea not null,
            file bytea not null,
            primary key (tenant_id, id)
        )""",
        # zip files are compressed as they are
        "alter table archives alter column file set storage external",
        *protect(SERVICE, "archives"),
        "grant select, insert, delete on archives to tidemill_jobs",
        "grant select, insert, delete on archives to tidemill_jobs_caller",
    ]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table archives")
