"""The notifier's log."""

from alembic import op

from tidemill_kit.log_schema import grants, log_tables, protect

revision = "0001"
down_revision = None
SERVICE = "notifier"
TABLES = ("dead_letters", "inbox", "consumers", "publisher", "events")


def upgrade() -> None:
    for statement in [*log_tables(), *protect(SERVICE, "events"), *grants(SERVICE)]:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop table {table}")
