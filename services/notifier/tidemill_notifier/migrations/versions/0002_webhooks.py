"""Webhooks, their secrets, and what is on its way to them."""

from alembic import op

from tidemill_kit.log_schema import idempotency_keys, protect

revision = "0002"
down_revision = "0001"

SERVICE = "notifier"
ROLE = f"tidemill_{SERVICE}"
CALLER = f"{ROLE}_caller"
TABLES = ("webhooks", "webhook_secrets", "webhook_deliveries")
CREATE = [
    """create table webhooks (
        id uuid primary key,
        tenant_id uuid not null,
        url text not null,
        types jsonb,
        description text not null,
        role text not null,
        enabled boolean not null,
        disabled_reason text,
        disabled_at timestamptz,
        failing_since timestamptz,
        failures integer not null default 0,
        created_by uuid not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        deleted_at timestamptz,
        seq integer not null default 0,
        version integer not null default 1,
        round integer not null default 1,
        epoch integer not null,
        position bigint not null,
        holder uuid,
        fence bigint not null default 0,
        until timestamptz not null default '-infinity'
    ) with (fillfactor = 70)""",
    "create index webhooks_newest on webhooks (tenant_id, id desc) where deleted_at is null",
    # for PostgreSQL: rows that are changed each few seconds stay where they are
    "create index webhooks_working on webhooks (id) where enabled and deleted_at is null",
    """create table webhook_secrets (
        id uuid primary key,
        webhook_id uuid not null references webhooks on delete cascade,
        tenant_id uuid not null,
        secret bytea not null,
        created_at timestamptz not null,
        expires_at timestamptz
    )""",
    "create index webhook_secrets_of on webhook_secrets (webhook_id)",
    """create table webhook_deliveries (
        id bigint generated always as identity primary key,
        webhook_id uuid not null references webhooks on delete cascade,
        tenant_id uuid not null,
        round integer not null,
        event_id uuid not null,
        key uuid not null,
        type text not null,
        epoch integer not null,
        position bigint not null,
        body bytea,
        status text not null check (status in ('pending', 'delivered', 'failed')),
        tries integer not null default 0,
        attempts jsonb not null default '[]',
        next_attempt_at timestamptz,
        give_up_at timestamptz,
        created_at timestamptz not null,
        finished_at timestamptz,
        unique (webhook_id, round, event_id)
    )""",
    "create index webhook_deliveries_waiting on webhook_deliveries (webhook_id, key, id)"
    " where status = 'pending'",
    "create index webhook_deliveries_newest on webhook_deliveries (webhook_id, id desc)",
    "create index webhook_deliveries_over on webhook_deliveries (finished_at)"
    " where finished_at is not null",
]
SEEN = "id, webhook_id, tenant_id, created_at, expires_at"
RIGHTS = [
    *(f"grant select, insert, update, delete on {table} to {ROLE}" for table in TABLES),
    f"grant select, insert, update on webhooks to {CALLER}",
    # whoever acts for a caller writes secrets and never reads one
    f"grant select ({SEEN}), insert, update (expires_at) on webhook_secrets to {CALLER}",
    f"grant select, update, delete on webhook_deliveries to {CALLER}",
]


def upgrade() -> None:
    walls = [statement for table in TABLES for statement in protect(SERVICE, table)]
    for statement in [*CREATE, *walls, *RIGHTS, *idempotency_keys(SERVICE)]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table idempotency_keys, webhook_deliveries, webhook_secrets, webhooks")
