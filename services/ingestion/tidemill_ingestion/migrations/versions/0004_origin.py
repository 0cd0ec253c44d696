"""Datasets that were saved from a job's result, and the digests of what ingest left."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        "alter table datasets add column origin jsonb,"
        " add column artifacts jsonb not null default '{}'"
    )


def downgrade() -> None:
    op.execute("alter table datasets drop column origin, drop column artifacts")
