"""DDL that every service's first migration shares: its log, its inbox, its row-level security."""

EVENTS = """
    id uuid not null,
    key uuid not null,
    seq integer not null check (seq > 0),
    tenant_id uuid not null,
    type text not null,
    subject text not null,
    at timestamptz not null,
    body bytea not null,
    epoch integer,
    stream_seq bigint,
    primary key (key, seq)
"""


def log_tables(*, partitioned: bool = False) -> list[str]:
    """Events with their positions, the publisher's lease, and what consumers have applied."""
    by = " partition by range (key)" if partitioned else ""
    return [
        f"create table events ({EVENTS}){by}",
        "create index events_unpublished on events (key, seq) where stream_seq is null",
        "create index events_position on events (epoch, stream_seq) where stream_seq is not null",
        """create table publisher (
            only_one boolean primary key default true check (only_one),
            holder uuid,
            fence bigint not null default 0,
            until timestamptz not null default '-infinity',
            epoch integer not null default 0,
            position bigint not null default 0
        )""",
        "insert into publisher default values",
        """create table consumers (
            owner text primary key,
            epoch integer not null default 0,
            position bigint not null default 0
        )""",
        """create table inbox (
            event_id uuid primary key,
            at timestamptz not null default now()
        )""",
        """create table dead_letters (
            id uuid primary key,
            tenant_id uuid,
            at timestamptz not null default now(),
            subject text not null,
            body bytea not null,
            reason text not null
        )""",
    ]


def idempotency_keys(service: str) -> list[str]:
    """The answers that repeated requests get again, written on behalf of callers."""
    role = f"tidemill_{service}"
    return [
        """create table idempotency_keys (
            tenant_id uuid not null,
            route text not null,
            key text not null,
            fingerprint bytea not null,
            status smallint not null,
            body bytea not null,
            location text,
            created_at timestamptz not null default now(),
            primary key (tenant_id, route, key)
        )""",
        "create index idempotency_keys_age on idempotency_keys (created_at)",
        *protect(service, "idempotency_keys"),
        f"grant select, insert, update, delete on idempotency_keys to {role}",
        f"grant select, insert, update on idempotency_keys to {role}_caller",
    ]


def protect(service: str, table: str) -> list[str]:
    """Row-level security: the service sees all, whoever acts for a caller its tenant only."""
    role = f"tidemill_{service}"
    mine = "tenant_id = nullif(current_setting('tm.tenant', true), '')::uuid"
    return [
        f"alter table {table} enable row level security",
        f"create policy service on {table} to {role} using (true) with check (true)",
        f"create policy caller on {table} to {role}_caller using ({mine}) with check ({mine})",
    ]


def grants(service: str) -> list[str]:
    """What the service's two roles may do in their schema."""
    role = f"tidemill_{service}"
    return [
        f"grant usage on schema {service} to {role}, {role}_caller",
        f"grant select, insert, update, delete on all tables in schema {service} to {role}",
        f"grant usage on all sequences in schema {service} to {role}, {role}_caller",
    ]
