"""Datasets that are read again, or could not be, while their former table stays in use."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("alter table datasets add column reading jsonb")


def downgrade() -> None:
    op.execute("alter table datasets drop column reading")
