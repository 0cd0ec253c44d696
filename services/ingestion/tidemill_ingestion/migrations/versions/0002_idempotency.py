"""Idempotency keys in the form that all services share."""

from alembic import op

from tidemill_kit.log_schema import idempotency_keys, protect

revision = "0002"
down_revision = "0001"

SERVICE = "ingestion"
FORMER = """create table idempotency_keys (
    tenant_id uuid not null,
    key text not null,
    fingerprint text not null,
    status smallint not null,
    body bytea not null,
    expires_at timestamptz not null,
    primary key (tenant_id, key)
)"""
ROLE = f"tidemill_{SERVICE}"


def upgrade() -> None:
    for statement in ["drop table idempotency_keys", *idempotency_keys(SERVICE)]:
        op.execute(statement)


def downgrade() -> None:
    for statement in [
        "drop table idempotency_keys",
        FORMER,
        "create index idempotency_keys_expiry on idempotency_keys (expires_at)",
        *protect(SERVICE, "idempotency_keys"),
        f"grant select, insert, update, delete on idempotency_keys to {ROLE}, {ROLE}_caller",
    ]:
        op.execute(statement)
