"""Uploads in parts, a trash for datasets, what each tenant holds, reports of collections."""

from alembic import op

from tidemill_kit.log_schema import protect

revision = "0003"
down_revision = "0002"

SERVICE = "ingestion"
ROLE = f"tidemill_{SERVICE}"
UPLOADS = [
    """create table uploads (
        id uuid primary key,
        tenant_id uuid not null,
        created_by uuid not null,
        name text not null,
        status text not null check (
            status in ('uploading', 'verifying', 'completed', 'refused', 'aborted', 'expired')
        ),
        size_bytes bigint not null check (size_bytes > 0),
        part_bytes bigint not null check (part_bytes > 0),
        labels jsonb not null default '{}',
        options jsonb not null default '{}',
        sha256 text,
        fingerprint text,
        object_key text not null,
        parts_id text not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        leased_until timestamptz,
        ended_at timestamptz
    )""",
    "create index uploads_newest on uploads (tenant_id, id desc)",
    "create index uploads_expiry on uploads (expires_at) where status = 'uploading'",
    "create index uploads_verified on uploads (leased_until) where status = 'verifying'",
    "create index uploads_ended on uploads (ended_at) where ended_at is not null",
    "create index uploads_parts on uploads (parts_id)",
    *protect(SERVICE, "uploads"),
    f"grant select, insert, update, delete on uploads to {ROLE}",
    f"grant select, insert, update on uploads to {ROLE}_caller",
]
TRASH = [
    "alter table datasets add column trashed_as text, add column purge_at timestamptz,"
    " add column purged_at timestamptz",
    # until now a deleted dataset was gone
    "update datasets set purge_at = deleted_at, trashed_as = 'ready' where deleted_at is not null",
    "create index datasets_trashed on datasets (purge_at)"
    " where deleted_at is not null and purged_at is null",
    "create index datasets_purged on datasets (purged_at) where purged_at is not null",
    "create index datasets_objects on datasets (object_key)",
    "create index datasets_bytes on datasets (tenant_id, sha256)",
    "create index datasets_by_status on datasets (tenant_id, status, id desc)",
    "create index datasets_by_format on datasets (tenant_id, format, id desc)",
]
HELD = """
create function {name}() returns trigger language plpgsql
security definer set search_path = ingestion as $$
begin
    if tg_op <> 'INSERT' and {before} then
        perform hold(old.tenant_id, '{kind}', -1, -coalesce(old.size_bytes, 0));
    end if;
    if tg_op <> 'DELETE' and {after} then
        perform hold(new.tenant_id, '{kind}', 1, coalesce(new.size_bytes, 0));
    end if;
    return null;
end $$
"""
OPEN = "{row}.status in ('uploading', 'verifying')"
KEPT = "{row}.purged_at is null"
# counted by triggers, so that no way of writing can miss it; the row is also the tenant's lock
HOLDINGS = [
    """create table holdings (
        tenant_id uuid primary key,
        datasets bigint not null default 0,
        dataset_bytes bigint not null default 0,
        uploads bigint not null default 0,
        upload_bytes bigint not null default 0
    )""",
    *protect(SERVICE, "holdings"),
    f"grant select on holdings to {ROLE}, {ROLE}_caller",
    """create function hold(tenant uuid, kind text, number bigint, bytes bigint) returns void
    language plpgsql security definer set search_path = ingestion as $$
    begin
        insert into holdings (tenant_id) values (tenant) on conflict do nothing;
        if kind = 'dataset' then
            update holdings set datasets = datasets + number,
                dataset_bytes = dataset_bytes + bytes where tenant_id = tenant;
        else
            update holdings set uploads = uploads + number,
                upload_bytes = upload_bytes + bytes where tenant_id = tenant;
        end if;
    end $$""",
    "revoke all on function hold from public",
    HELD.format(
        name="hold_dataset",
        kind="dataset",
        before=KEPT.format(row="old"),
        after=KEPT.format(row="new"),
    ),
    HELD.format(
        name="hold_upload",
        kind="upload",
        before=OPEN.format(row="old"),
        after=OPEN.format(row="new"),
    ),
    "create trigger hold_new after insert or delete on datasets"
    " for each row execute function hold_dataset()",
    "create trigger hold_purged after update on datasets for each row"
    " when (old.purged_at is distinct from new.purged_at) execute function hold_dataset()",
    "create trigger hold_new after insert or delete on uploads"
    " for each row execute function hold_upload()",
    "create trigger hold_ended after update on uploads for each row"
    " when (old.status is distinct from new.status) execute function hold_upload()",
    "insert into holdings (tenant_id, datasets, dataset_bytes)"
    " select tenant_id, count(*), coalesce(sum(size_bytes), 0) from datasets group by 1",
]
COLLECTIONS = [
    """create table collections (
        id uuid primary key,
        dry_run boolean not null,
        started_at timestamptz not null,
        beat_at timestamptz not null,
        finished_at timestamptz,
        found jsonb not null default '{}',
        error text
    )""",
    f"grant select, insert, update, delete on collections to {ROLE}",
]


def upgrade() -> None:
    for statement in [*UPLOADS, *TRASH, *HOLDINGS, *COLLECTIONS]:
        op.execute(statement)


def downgrade() -> None:
    for statement in [
        "drop table collections, uploads, holdings",
        "drop trigger hold_new on datasets",
        "drop trigger hold_purged on datasets",
        "drop function hold_dataset, hold_upload, hold",
        "drop index datasets_bytes, datasets_objects, datasets_by_status, datasets_by_format",
        "alter table datasets drop column trashed_as, drop column purge_at, drop column purged_at",
    ]:
        op.execute(statement)
