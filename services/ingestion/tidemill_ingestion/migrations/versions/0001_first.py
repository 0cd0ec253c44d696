"""Ingestion's tables."""

from alembic import op

from tidemill_kit.log_schema import grants, log_tables, protect

revision = "0001"
down_revision = None

SERVICE = "ingestion"
TABLES = [
    """create table datasets (
        id uuid primary key,
        tenant_id uuid not null,
        created_by uuid not null,
        name text not null check (length(name) between 1 and 255),
        status text not null check (
            status in ('uploading', 'validating', 'ready', 'rejected', 'deleted')
        ),
        format text,
        size_bytes bigint,
        sha256 text,
        rows bigint,
        columns jsonb,
        labels jsonb not null default '{}',
        error jsonb,
        object_key text not null,
        options jsonb not null default '{}',
        frame jsonb,
        ingested jsonb,
        job_id uuid,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        deleted_at timestamptz,
        seq integer not null
    )""",
    "create index datasets_newest on datasets (tenant_id, id desc) where deleted_at is null",
    """create table idempotency_keys (
        tenant_id uuid not null,
        key text not null,
        fingerprint text not null,
        status smallint not null,
        body bytea not null,
        expires_at timestamptz not null,
        primary key (tenant_id, key)
    )""",
    "create index idempotency_keys_expiry on idempotency_keys (expires_at)",
]
CALLER = f"tidemill_{SERVICE}_caller"
RIGHTS = [
    f"grant select, insert, update on datasets to {CALLER}",
    f"grant select, insert on events to {CALLER}",
    f"grant select, insert, update, delete on idempotency_keys to {CALLER}",
]


def upgrade() -> None:
    protected = ("datasets", "idempotency_keys", "events")
    walls = [statement for table in protected for statement in protect(SERVICE, table)]
    for statement in [*TABLES, *log_tables(), *walls, *grants(SERVICE), *RIGHTS]:
        op.execute(statement)


def downgrade() -> None:
    tables = "datasets, idempotency_keys"
    op.execute(f"drop table {tables}, events, publisher, consumers, inbox, dead_letters")
