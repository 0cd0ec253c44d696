"""Where datasets came from, who reads them, and which engine works for a queue."""

from alembic import op

revision = "0007"
down_revision = "0006"

UPGRADES = [
    "alter table datasets add column origin_job uuid, add column origin_step text",
    "create index datasets_of_job on datasets (origin_job) where origin_job is not null",
    "create index jobs_reading on jobs (dataset_id, id)"
    " where dataset_id is not null and not system",
    "alter table queues add column engine text not null default 'polars'",
]
DOWNGRADES = [
    "alter table queues drop column engine",
    "drop index jobs_reading",
    "drop index datasets_of_job",
    "alter table datasets drop column origin_job, drop column origin_step",
]


def upgrade() -> None:
    for statement in UPGRADES:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADES:
        op.execute(statement)
