"""Whoever looks at a job of the past learns which epoch the log is in."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("grant select on log to tidemill_jobs_caller")


def downgrade() -> None:
    op.execute("revoke select on log from tidemill_jobs_caller")
