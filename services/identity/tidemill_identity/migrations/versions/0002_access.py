"""API keys, invitations, resets of passwords, and the audit trail."""

from alembic import op

from tidemill_kit.log_schema import idempotency_keys, protect

revision = "0002"
down_revision = "0001"

SERVICE = "identity"
ROLE = f"tidemill_{SERVICE}"
CALLER = f"{ROLE}_caller"
A_ROLE = "text not null check (role in ('viewer', 'operator', 'admin'))"
TABLES = [
    "alter table tenants add column deleted_at timestamptz",
    "alter table sessions add column user_agent text",
    f"""create table api_keys (
        id uuid primary key,
        tenant_id uuid not null,
        user_id uuid not null references users,
        name text not null,
        role {A_ROLE},
        prefix text not null,
        digest bytea not null unique,
        created_at timestamptz not null,
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz
    )""",
    "create index api_keys_tenant on api_keys (tenant_id, id desc) where revoked_at is null",
    "create index api_keys_user on api_keys (user_id)",
    f"""create table invitations (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        email text not null,
        role {A_ROLE},
        digest bytea not null unique,
        invited_by uuid not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        accepted_at timestamptz
    )""",
    "create index invitations_tenant on invitations (tenant_id, id desc)",
    """create table reset_links (
        digest bytea primary key,
        tenant_id uuid not null,
        user_id uuid not null references users,
        expires_at timestamptz not null,
        used_at timestamptz
    )""",
    "create index reset_links_user on reset_links (user_id)",
    """create table audit (
        id uuid primary key,
        tenant_id uuid not null,
        at timestamptz not null,
        actor_id uuid,
        via text not null,
        action text not null,
        target text,
        address text,
        outcome text not null,
        details jsonb not null default '{}'
    )""",
    "create index audit_newest on audit (tenant_id, id desc)",
    "create index audit_of_actor on audit (tenant_id, actor_id, id desc)",
    "create index audit_of_action on audit (tenant_id, action, id desc)",
    "create index audit_of_target on audit (tenant_id, target, id desc)",
]
SHOWN_OF_KEYS = (
    "id, tenant_id, user_id, name, role, prefix, created_at, expires_at, last_used_at, revoked_at"
)
SHOWN_OF_INVITATIONS = "id, tenant_id, email, role, invited_by, created_at, expires_at, accepted_at"
# nobody, the service included, changes or removes what the audit trail holds
RIGHTS = [
    f"grant select, insert, update on api_keys, reset_links to {ROLE}",
    f"grant select, insert, update, delete on invitations to {ROLE}",
    f"grant select, insert on audit to {ROLE}, {CALLER}",
    f"grant select ({SHOWN_OF_KEYS}), insert, update (revoked_at) on api_keys to {CALLER}",
    f"grant select ({SHOWN_OF_INVITATIONS}), insert, delete on invitations to {CALLER}",
    f"grant insert on reset_links, events to {CALLER}",
    f"grant select (seq), update (role, disabled_at, email_key, seq) on users to {CALLER}",
    f"grant update (revoked_at) on sessions to {CALLER}",
    f"grant update (name) on tenants to {CALLER}",
]


def upgrade() -> None:
    protected = ("api_keys", "invitations", "reset_links", "audit")
    walls = [statement for table in protected for statement in protect(SERVICE, table)]
    for statement in [*TABLES, *walls, *RIGHTS, *idempotency_keys(SERVICE)]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table api_keys, invitations, reset_links, audit, idempotency_keys")
    op.execute("alter table sessions drop column user_agent")
    op.execute("alter table tenants drop column deleted_at")
    for statement in (
        f"revoke insert on events from {CALLER}",
        f"revoke select (seq), update (role, disabled_at, email_key, seq) on users from {CALLER}",
        f"revoke update (revoked_at) on sessions from {CALLER}",
        f"revoke update (name) on tenants from {CALLER}",
    ):
        op.execute(statement)
