"""What the service itself reads and writes of webhooks: leases, what waits, what came of it."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import text

from tidemill_contracts import catalogue
from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.log import Cursor
from tidemill_contracts.webhooks import DeliveryAttempt, WebhookDisabled
from tidemill_kit.db import Database, Repository
from tidemill_notifier.ring import Entry
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks.signing import Key
from tidemill_notifier.webhooks.tables import events

log = structlog.get_logger()
TRIMMED_AT_ONCE = 2_000
GONE, FAILING = "gone", "failing"


class Held(Struct, frozen=True):
    """A webhook that this process delivers for so many seconds more."""

    id: UUID
    version: int
    fence: int
    left_s: float


class Endpoint(Struct, frozen=True):
    """A webhook as its deliveries need it."""

    id: UUID
    tenant_id: UUID
    url: str
    types: list[str] | None
    role: Role
    created_by: UUID
    version: int
    fence: int
    epoch: int
    position: int
    keys: list[Key]

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.position)

    @property
    def reader(self) -> Principal:
        """Who reads the log for it: it sees what whoever wrote it last may see."""
        return Principal(self.created_by, self.tenant_id, self.role, self.id, now())


class Waiting(Struct, frozen=True):
    """The next delivery of the thing that it is about; due once `wait_s` is not positive."""

    id: int
    event_id: UUID
    key: UUID
    type: str
    body: bytes
    tries: int
    wait_s: float


class Payload(Struct, frozen=True):
    """What receivers get."""

    type: str
    timestamp: Any
    data: Any


class _Log(Repository):
    events = events


class Book:
    """Statements of the service's own role; each names what it may touch."""

    def __init__(self, database: Database, settings: WebhookSettings) -> None:
        self._database = database
        self._settings = settings
        self._me = uuid7()

    async def hold(self) -> list[Held]:
        """Take what nobody holds, renew what is ours; all that this process holds now."""
        lease = self._settings.webhook_lease_s
        values = {"me": self._me, "lease": lease, "renew": lease * 2 / 3}
        async with self._database.transaction(silent=True) as connection:
            await connection.execute(_TAKE, values)
            rows = await connection.execute(_HELD, {"me": self._me})
            return [Held(**row) for row in rows.mappings()]

    async def release(self) -> None:
        async with self._database.transaction(silent=True) as connection:
            await connection.execute(_RELEASE, {"me": self._me})

    async def endpoint(self, held: Held) -> Endpoint | None:
        """A held webhook with its keys; None where it has changed since."""
        values = {"id": held.id, "me": self._me, "version": held.version, "fence": held.fence}
        async with self._database.transaction(silent=True) as connection:
            row = (await connection.execute(_ENDPOINT, values)).mappings().first()
        if row is None:
            return None
        types = None if row["types"] is None else msgspec.json.decode(row["types"])
        keys = await self.keys(held.id)
        found: dict[str, Any] = {**row, "types": types, "role": Role(row["role"]), "keys": keys}
        return Endpoint(**found)

    async def keys(self, webhook_id: UUID) -> list[Key]:
        """The secrets that sign, the newest first."""
        async with self._database.transaction(silent=True) as connection:
            rows = await connection.execute(_KEYS, {"id": webhook_id})
            return [Key(**row) for row in rows.mappings()]

    async def waiting(self, webhook_id: UUID) -> int:
        async with self._database.transaction(silent=True) as connection:
            return await connection.scalar(_COUNT, {"id": webhook_id}) or 0

    async def add(self, endpoint: Endpoint, entries: Sequence[Entry], cursor: Cursor) -> bool:
        """Write what is to be sent and how far was read, in one; False where it is not ours."""
        items = [item for entry in entries if (item := _item(entry)) is not None]
        columns = {name: [item[name] for item in items] for name in _COLUMNS}
        values = {
            "id": endpoint.id,
            "me": self._me,
            "version": endpoint.version,
            "fence": endpoint.fence,
            "to_epoch": cursor.epoch,
            "to_position": cursor.position,
        }
        async with self._database.transaction(silent=True) as connection:
            return bool(await connection.scalar(_ADD, values | columns))

    async def heads(self, webhook_id: UUID, busy: Collection[UUID], limit: int) -> list[Waiting]:
        """The first delivery of each thing that none is under way for, the longest due first."""
        values = {"id": webhook_id, "busy": list(busy), "limit": limit}
        async with self._database.transaction(silent=True) as connection:
            rows = await connection.execute(_HEADS, values)
            return [Waiting(**row) for row in rows.mappings()]

    async def delivered(self, webhook_id: UUID, delivery: int, attempt: DeliveryAttempt) -> None:
        values = {"id": delivery, "webhook": webhook_id, "attempt": _text([attempt])}
        async with self._database.transaction(silent=True) as connection:
            await connection.execute(_DELIVERED, values)
            await connection.execute(_WELL, {"webhook": webhook_id})

    async def failed(
        self,
        endpoint: Endpoint,
        delivery: int,
        attempt: DeliveryAttempt,
        *,
        wait_s: float,
        gone: bool,
    ) -> bool:
        """Write what went wrong and when it is tried again; answers whether that was the end."""
        settings = self._settings
        values = {
            "id": delivery,
            "webhook": endpoint.id,
            "attempt": _text([attempt]),
            "wait": wait_s,
            "give_up": settings.webhook_give_up_s,
        }
        limits = {
            "gone": gone,
            "disable": settings.webhook_disable_s,
            "most": settings.webhook_disable_failures,
        }
        async with self._database.transaction() as connection:
            await connection.execute(_FAILED, values)
            await connection.execute(_UNWELL, {"webhook": endpoint.id})
            ended = await connection.execute(_DISABLE, {"webhook": endpoint.id} | limits)
            row = ended.first()
            if row is None:
                return False
            await _Log(connection, endpoint.tenant_id).record(
                WebhookDisabled(
                    tenant_id=endpoint.tenant_id,
                    seq=row.seq,
                    webhook_id=endpoint.id,
                    reason=GONE if gone else FAILING,
                ),
            )
            return True

    async def trim(self) -> int:
        """Forget some of what is over for long enough, and of webhooks that were deleted."""
        async with self._database.transaction(silent=True) as connection:
            old = {"age": self._settings.webhook_log_s}
            found = (await connection.execute(_TRIM, old)).rowcount
            orphans = (await connection.execute(_TRIM_DELETED)).rowcount
            await connection.execute(_DELETE)
            return max(found, orphans)


def _item(entry: Entry) -> dict[str, Any] | None:
    """An event as a row of deliveries, with the body that is signed and sent."""
    try:
        told = msgspec.json.decode(entry.body, type=_Told)
    except msgspec.MsgspecError:
        log.exception("webhook.unreadable", cursor=str(entry.cursor), type=entry.type)
        return None
    return {
        "event_ids": told.id,
        "keys": _key(entry) or told.id,
        "kinds": entry.type,
        "epochs": entry.cursor.epoch,
        "positions": entry.cursor.position,
        "bodies": msgspec.json.encode(Payload(entry.type, told.at, msgspec.Raw(entry.body))),
    }


def _key(entry: Entry) -> UUID | None:
    """The thing whose order is kept; an event that is not known here has an order of its own."""
    with suppress(msgspec.MsgspecError):
        event = catalogue.decode(entry.body)
        return None if event is None else event.key
    return None


class _Told(Struct):
    """What every event has, also one of a type that is not known here."""

    id: UUID
    at: Any


def _text(attempts: list[DeliveryAttempt]) -> str:
    return msgspec.json.encode(attempts).decode()


_COLUMNS = ("event_ids", "keys", "kinds", "epochs", "positions", "bodies")
_TAKE = text("""
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
_HELD = text("""
select id, version, fence, extract(epoch from until - clock_timestamp())::float8 as left_s
from webhooks where enabled and deleted_at is null and holder = :me and until > clock_timestamp()
""")
_RELEASE = text("update webhooks set until = '-infinity' where holder = :me")
_OURS = "id = :id and holder = :me and fence = :fence and version = :version"
_WORKING = "enabled and deleted_at is null"
_ENDPOINT = text(f"""
select id, tenant_id, url, types::text as types, role, created_by, version, fence, epoch, position
from webhooks where {_OURS} and {_WORKING}
""")
_KEYS = text("""
select secret, expires_at from webhook_secrets
where webhook_id = :id and (expires_at is null or expires_at > clock_timestamp())
order by created_at desc
""")
_COUNT = text(
    "select count(*) from webhook_deliveries where webhook_id = :id and status = 'pending'",
)
_ADD = text(f"""
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
_HEADS = text("""
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
_DELIVERED = text("""
update webhook_deliveries set status = 'delivered', tries = tries + 1, body = null,
    attempts = attempts || cast(:attempt as jsonb), next_attempt_at = null,
    finished_at = clock_timestamp()
where id = :id and webhook_id = :webhook and status = 'pending'
""")
_WELL = text("""
update webhooks set failures = 0, failing_since = null where id = :webhook and failures > 0
""")
_GIVEN_UP = "give_up_at <= clock_timestamp()"
_FAILED = text(f"""
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
_UNWELL = text("""
update webhooks set failures = failures + 1,
    failing_since = coalesce(failing_since, clock_timestamp())
where id = :webhook
""")
_DISABLE = text("""
update webhooks set enabled = false, disabled_at = clock_timestamp(), seq = seq + 1,
    version = version + 1, until = '-infinity',
    disabled_reason = case when :gone then 'gone' else 'failing' end
where id = :webhook and enabled and (:gone or (failures >= :most
    and failing_since <= clock_timestamp() - make_interval(secs => :disable)))
returning seq
""")
_TRIM = text(f"""
delete from webhook_deliveries where id = any(array(
    select id from webhook_deliveries
    where finished_at < clock_timestamp() - make_interval(secs => :age)
    order by finished_at limit {TRIMMED_AT_ONCE}))
""")
_TRIM_DELETED = text(f"""
delete from webhook_deliveries where id = any(array(
    select webhook_deliveries.id from webhook_deliveries
    join webhooks on webhooks.id = webhook_id and deleted_at is not null
    limit {TRIMMED_AT_ONCE}))
""")
_DELETE = text("""
delete from webhooks where deleted_at is not null
and not exists (select 1 from webhook_deliveries where webhook_id = webhooks.id)
""")
