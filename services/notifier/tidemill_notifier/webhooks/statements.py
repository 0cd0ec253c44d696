"""The statements of the book, as the service's own role runs them."""

from sqlalchemy import text

TRIMMED_AT_ONCE = 2_000
TAKE = text("""
with free as (
    select id from webhooks
    where enabled and deleted_at is null and (until < clock_timestamp()
        or (holder = :me and until < clock_timestamp() + make_interval(secs => :renew)))
    for update skip locked
)
update webhooks set holder = :me, until = clock_timestamp() + make_interval(secs => :lease),
    fence = fence + (holder is distinct from :me or until < clock_timestamp())::int
from free where webhooks.id = free.id
""")
HELD = text("""
select id, version, fence, extract(epoch from until - clock_timestamp())::float8 as left_s
from webhooks where enabled and deleted_at is null and holder = :me and until > clock_timestamp()
""")
RELEASE = text("update webhooks set until = '-infinity' where holder = :me")
_OURS = "id = :id and holder = :me and fence = :fence and version = :version"
_WORKING = "enabled and deleted_at is null"
ENDPOINT = text(f"""
select id, tenant_id, url, types::text as types, role, created_by, version, fence, epoch, position
from webhooks where {_OURS} and {_WORKING}
""")
KEYS = text("""
select secret, expires_at from webhook_secrets
where webhook_id = :id and (expires_at is null or expires_at > clock_timestamp())
order by created_at desc
""")
COUNT = text(
    "select count(*) from webhook_deliveries where webhook_id = :id and status = 'pending'",
)
ADD = text(f"""
with ours as (
    update webhooks set epoch = :to_epoch, position = :to_position
    where {_OURS} and {_WORKING} returning id, tenant_id, round
), added as (
    insert into webhook_deliveries (webhook_id, tenant_id, round, event_id, key, type,
        epoch, position, body, status, next_attempt_at, created_at)
    select ours.id, ours.tenant_id, ours.round, item.event_id, item.key, item.type,
        item.epoch, item.position, item.body, 'pending', clock_timestamp(), clock_timestamp()
    from ours, unnest(cast(:event_ids as uuid[]), cast(:keys as uuid[]), cast(:kinds as text[]),
        cast(:epochs as int[]), cast(:positions as bigint[]), cast(:bodies as bytea[]))
        with ordinality item (event_id, key, type, epoch, position, body, number)
    order by item.number
    on conflict (webhook_id, round, event_id) do nothing
)
select count(*) from ours
""")
HEADS = text("""
select id, event_id, key, type, body, tries,
    extract(epoch from next_attempt_at - clock_timestamp())::float8 as wait_s
from webhook_deliveries first
where webhook_id = :id and status = 'pending' and key <> all(cast(:busy as uuid[]))
and not exists (
    select 1 from webhook_deliveries earlier
    where earlier.webhook_id = first.webhook_id and earlier.key = first.key
    and earlier.status = 'pending' and earlier.id < first.id
)
order by next_attempt_at, id limit :limit
""")
DELIVERED = text("""
update webhook_deliveries set status = 'delivered', tries = tries + 1, body = null,
    attempts = attempts || cast(:attempt as jsonb), next_attempt_at = null,
    finished_at = clock_timestamp()
where id = :id and webhook_id = :webhook and status = 'pending'
""")
WELL = text("""
update webhooks set failures = 0, failing_since = null where id = :webhook and failures > 0
""")
_GIVEN_UP = "give_up_at <= clock_timestamp()"
FAILED = text(f"""
update webhook_deliveries set tries = tries + 1,
    attempts = attempts || cast(:attempt as jsonb),
    status = case when {_GIVEN_UP} then 'failed' else 'pending' end,
    body = case when {_GIVEN_UP} then null else body end,
    finished_at = case when {_GIVEN_UP} then clock_timestamp() end,
    next_attempt_at = case when {_GIVEN_UP} then null else least(
        clock_timestamp() + make_interval(secs => :wait),
        coalesce(give_up_at, clock_timestamp() + make_interval(secs => :give_up))) end,
    give_up_at = coalesce(give_up_at, clock_timestamp() + make_interval(secs => :give_up))
where id = :id and webhook_id = :webhook and status = 'pending'
""")
UNWELL = text("""
update webhooks set failures = failures + 1,
    failing_since = coalesce(failing_since, clock_timestamp())
where id = :webhook
""")
DISABLE = text("""
update webhooks set enabled = false, disabled_at = clock_timestamp(), seq = seq + 1,
    version = version + 1, until = '-infinity',
    disabled_reason = case when :gone then 'gone' else 'failing' end
where id = :webhook and enabled and (:gone or (failures >= :most
    and failing_since <= clock_timestamp() - make_interval(secs => :disable)))
returning seq
""")
TRIM = text(f"""
delete from webhook_deliveries where id = any(array(
    select id from webhook_deliveries
    where finished_at < clock_timestamp() - make_interval(secs => :age)
    order by finished_at limit {TRIMMED_AT_ONCE}))
""")
TRIM_DELETED = text(f"""
delete from webhook_deliveries where id = any(array(
    select webhook_deliveries.id from webhook_deliveries
    join webhooks on webhooks.id = webhook_id and deleted_at is not null
    limit {TRIMMED_AT_ONCE}))
""")
DELETE = text("""
delete from webhooks where deleted_at is not null
and not exists (select 1 from webhook_deliveries where webhook_id = webhooks.id)
""")
