"""What the service itself reads and writes of webhooks: leases, what waits, what came of it."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from tidemill_contracts import catalogue
from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.log import Cursor
from tidemill_contracts.webhooks import DeliveryAttempt, WebhookDisabled
from tidemill_kit.db import Database, Repository
from tidemill_notifier.ring import Entry
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks import statements
from tidemill_notifier.webhooks.signing import Key
from tidemill_notifier.webhooks.tables import events

log = structlog.get_logger()
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
            await connection.execute(statements.TAKE, values)
            rows = await connection.execute(statements.HELD, {"me": self._me})
            return [Held(**row) for row in rows.mappings()]

    async def release(self) -> None:
        async with self._database.transaction(silent=True) as connection:
            await connection.execute(statements.RELEASE, {"me": self._me})

    async def endpoint(self, held: Held) -> Endpoint | None:
        """A held webhook with its keys; None where it has changed since."""
        values = {"id": held.id, "me": self._me, "version": held.version, "fence": held.fence}
        async with self._database.transaction(silent=True) as connection:
            row = (await connection.execute(statements.ENDPOINT, values)).mappings().first()
        if row is None:
            return None
        types = None if row["types"] is None else msgspec.json.decode(row["types"])
        keys = await self.keys(held.id)
        found: dict[str, Any] = {**row, "types": types, "role": Role(row["role"]), "keys": keys}
        return Endpoint(**found)

    async def keys(self, webhook_id: UUID) -> list[Key]:
        """The secrets that sign, the newest first."""
        async with self._database.transaction(silent=True) as connection:
            rows = await connection.execute(statements.KEYS, {"id": webhook_id})
            return [Key(**row) for row in rows.mappings()]

    async def waiting(self, webhook_id: UUID) -> int:
        async with self._database.transaction(silent=True) as connection:
            return await connection.scalar(statements.COUNT, {"id": webhook_id}) or 0

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
            return bool(await connection.scalar(statements.ADD, values | columns))

    async def heads(self, webhook_id: UUID, busy: Collection[UUID], limit: int) -> list[Waiting]:
        """The first delivery of each thing that none is under way for, the longest due first."""
        values = {"id": webhook_id, "busy": list(busy), "limit": limit}
        async with self._database.transaction(silent=True) as connection:
            rows = await connection.execute(statements.HEADS, values)
            return [Waiting(**row) for row in rows.mappings()]

    async def delivered(self, webhook_id: UUID, delivery: int, attempt: DeliveryAttempt) -> None:
        values = {"id": delivery, "webhook": webhook_id, "attempt": _text([attempt])}
        async with self._database.transaction(silent=True) as connection:
            await connection.execute(statements.DELIVERED, values)
            await connection.execute(statements.WELL, {"webhook": webhook_id})

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
            await connection.execute(statements.FAILED, values)
            await connection.execute(statements.UNWELL, {"webhook": endpoint.id})
            ended = await connection.execute(statements.DISABLE, {"webhook": endpoint.id} | limits)
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
            found = (await connection.execute(statements.TRIM, old)).rowcount
            orphans = (await connection.execute(statements.TRIM_DELETED)).rowcount
            await connection.execute(statements.DELETE)
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
