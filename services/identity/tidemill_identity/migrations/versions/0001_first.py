"""Identity's tables."""

from alembic import op

from tidemill_kit.log_schema import grants, log_tables, protect

revision = "0001"
down_revision = None

SERVICE = "identity"
TABLES = [
    """create table tenants (
        id uuid primary key,
        name text not null,
        created_at timestamptz not null
    )""",
    """create table users (
        id uuid primary key,
        tenant_id uuid not null references tenants,
        email text not null,
        email_key text not null unique,
        password_hash text not null,
        role text not null check (role in ('viewer', 'operator', 'admin')),
        system_admin boolean not null default false,
        created_at timestamptz not null,
        disabled_at timestamptz,
        seq integer not null
    )""",
    "create index users_tenant on users (tenant_id)",
    """create table sessions (
        id uuid primary key,
        tenant_id uuid not null,
        user_id uuid not null references users,
        address text not null,
        created_at timestamptz not null,
        used_at timestamptz not null,
        expires_at timestamptz not null,
        revoked_at timestamptz
    )""",
    "create index sessions_user on sessions (user_id)",
    """create table refresh_tokens (
        digest bytea primary key,
        session_id uuid not null references sessions on delete cascade,
        tenant_id uuid not null,
        issued_at timestamptz not null,
        used_at timestamptz
    )""",
    "create index refresh_tokens_session on refresh_tokens (session_id)",
    """create table setup_links (
        digest bytea primary key,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null,
        used_at timestamptz
    )""",
    """create table sign_in_failures (
        who text primary key,
        level double precision not null,
        at timestamptz not null default clock_timestamp()
    )""",
    "create index sign_in_failures_at on sign_in_failures (at)",
]
CALLER = f"tidemill_{SERVICE}_caller"
ITS_OWN = "id = nullif(current_setting('tm.tenant', true), '')::uuid"
SHOWN_OF_USERS = "id, tenant_id, email, role, system_admin, created_at, disabled_at"
RIGHTS = [
    *(f"alter table {table} enable row level security" for table in ("tenants",)),
    f"create policy service on tenants to tidemill_{SERVICE} using (true) with check (true)",
    f"create policy caller on tenants to {CALLER} using ({ITS_OWN})",
    f"grant select on tenants, sessions, events to {CALLER}",
    f"grant select ({SHOWN_OF_USERS}) on users to {CALLER}",
]


def upgrade() -> None:
    protected = ("users", "sessions", "refresh_tokens", "events")
    walls = [statement for table in protected for statement in protect(SERVICE, table)]
    for statement in [*TABLES, *log_tables(), *walls, *grants(SERVICE), *RIGHTS]:
        op.execute(statement)


def downgrade() -> None:
    tables = "refresh_tokens, sessions, users, tenants, setup_links, sign_in_failures"
    op.execute(f"drop table {tables}, events, publisher, consumers, inbox, dead_letters")
