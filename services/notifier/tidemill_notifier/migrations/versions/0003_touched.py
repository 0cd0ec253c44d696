"""What callers do to webhooks is told in the log."""

from alembic import op

revision = "0003"
down_revision = "0002"

CALLER = "tidemill_notifier_caller"


def upgrade() -> None:
    op.execute(f"grant insert on events to {CALLER}")


def downgrade() -> None:
    op.execute(f"revoke insert on events from {CALLER}")
