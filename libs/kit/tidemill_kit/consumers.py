"""Consumers: a service's reactions to other services' events, each applied once and in order."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import structlog
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from faststream.security import SASLPlaintext
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig
from nats.js.errors import Error as JetStreamError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts import catalogue
from tidemill_contracts.event import Event
from tidemill_contracts.ids import uuid7
from tidemill_contracts.log import AskEpoch, AskEvents, Cursor, Epoch, History, RecordedEvent
from tidemill_kit import streams
from tidemill_kit.bus import BusAway, RequestRefused, call, options
from tidemill_kit.db import Database
from tidemill_kit.errors import NEVER_SUCCEEDS, Unavailable
from tidemill_kit.reactions import Consumers
from tidemill_kit.settings import Settings
from tidemill_kit.streams import EVENTS, StreamRefused

log = structlog.get_logger()

PARK_AFTER = 10
RETRY_S = 2.0
# a process that dies with an event in hand keeps all later ones waiting for so long
ACK_WAIT_S = 5
COMPARE_S = 60.0
CHECK_S = 5.0
_AWAY = (BusAway, RequestRefused, StreamRefused, Unavailable, DBAPIError, OSError)


class Delivery(msgspec.Struct, frozen=True):
    """An event as the stream delivers it."""

    message: NatsMessage
    sequence: int
    event: RecordedEvent


class Follower:
    """Follows one owner's events: by the stream, and by its history where the stream is short."""

    def __init__(
        self,
        consumers: Consumers,
        owner: str,
        database: Database,
        client: Client,
    ) -> None:
        self._consumers = consumers
        self._owner = owner
        self._database = database
        self._client = client
        self.durable = f"{consumers.service}-{owner}"
        self.subjects = sorted(consumers.subjects[owner])
        self.epoch = 0

    async def receive(self, delivery: Delivery) -> None:
        """Apply a delivered event, retrying in place so that order holds; then acknowledge it."""
        attempt, item = 0, delivery.event
        while not await self._applied(item, Cursor(self.epoch, delivery.sequence), attempt):
            attempt += 1
            with suppress(NatsError):
                await delivery.message.in_progress()
            await asyncio.sleep(min(0.1 * 2**attempt, RETRY_S))
        with suppress(NatsError):
            await delivery.message.ack()

    async def catch_up(self) -> None:
        """Agree on the epoch, make the durable consumer, fetch what the stream does not have."""
        last = await self._position()
        await self._is_behind()
        await self.compare()
        start = last.position + 1 if last.epoch == self.epoch else 1
        await _ensure(self._client, self.durable, self.subjects, start)

    async def compare(self) -> None:
        """Fetch from the owner's history whatever was published and has not come."""
        facts = [subject.removeprefix("tm.event.*.") for subject in self.subjects]
        while True:
            last = await self._position()
            request = AskEvents(after=last, facts=facts)
            page = await call(self._client, f"tm.rpc.{self._owner}.events", request, History)
            if Cursor(0, 0) < last < page.complete_from:
                log.error("events.forgotten", durable=self.durable, after=str(last))
            for item in page.items:
                attempt = 0
                while item.cursor and not await self._applied(item, item.cursor, attempt):
                    attempt += 1
                    await asyncio.sleep(min(0.1 * 2**attempt, RETRY_S))
            if not page.items:
                async with self._database.transaction() as connection:
                    await self._advance(connection, page.complete_to)
                return

    async def _applied(self, item: RecordedEvent, cursor: Cursor, attempt: int) -> bool:
        try:
            if await self._apply(item, cursor):
                return True
            # it came twice, or is from a store that this process does not know yet, or was passed
            if await self._is_behind():
                return False
            await self._apply(item, cursor, passed=True)
        except NEVER_SUCCEEDS as error:
            await self._park(item, cursor, repr(error))
        except _AWAY as error:
            log.warning("event.delayed", durable=self.durable, reason=str(error)[:300])
            return False
        except Exception:
            log.exception("event.failed", durable=self.durable, attempt=attempt)
            if attempt < PARK_AFTER:
                return False
            await self._park(item, cursor, "its consumer kept failing")
        return True

    async def _is_behind(self) -> bool:
        """Ask for the epoch; answers whether it is another than this process believed."""
        asked = AskEpoch(asker=f"{self._consumers.service}<{self._owner}", last_recorded=None)
        before = self.epoch
        self.epoch = (await call(self._client, "tm.rpc.jobs.epoch", asked, Epoch)).epoch
        return self.epoch != before

    async def _apply(self, item: RecordedEvent, cursor: Cursor, *, passed: bool = False) -> bool:
        """Reaction, inbox and cursor in one transaction; False where the cursor is further.

        An event that was `passed`, since it was recorded under an epoch that had ended, has its
        effect all the same: whether it came before is the inbox's to say.
        """
        async with self._database.transaction() as connection:
            if not await self._is_next(connection, cursor) and not passed:
                return False
            event = catalogue.decode(bytes(item.body))
            reaction = self._consumers.reactions.get(event.type) if event else None
            if event and reaction and await _is_new(connection, event):
                await reaction(event, connection)
            await self._advance(connection, cursor)
        return True

    async def _park(self, item: RecordedEvent, cursor: Cursor, reason: str) -> None:
        async with self._database.transaction() as connection:
            if not await self._is_next(connection, cursor):
                return  # it came again
            log.error("event.parked", durable=self.durable, subject=item.subject, reason=reason)
            values = {"id": uuid7(), "subject": item.subject, "body": bytes(item.body)}
            values |= {"tenant": _tenant_of(item.subject), "reason": reason[:1000]}
            await connection.execute(_PARK, values)
            await self._advance(connection, cursor)

    async def _position(self) -> Cursor:
        async with self._database.transaction() as connection:
            await connection.execute(_FOLLOW, {"owner": self._owner})
            row = (await connection.execute(_POSITION, {"owner": self._owner})).one()
            return Cursor(row.epoch, row.position)

    async def _is_next(self, connection: AsyncConnection, cursor: Cursor) -> bool:
        row = (await connection.execute(_LOCK, {"owner": self._owner})).one()
        return cursor > Cursor(row.epoch, row.position)

    async def _advance(self, connection: AsyncConnection, cursor: Cursor) -> None:
        values = {"owner": self._owner, "epoch": cursor.epoch, "position": cursor.position}
        await connection.execute(_ADVANCE, values)


async def follow(
    consumers: Consumers,
    database: Database,
    settings: Settings,
    client: Client,
) -> None:
    """Follow all owners until cancelled."""
    broker = _broker(settings, f"{consumers.service}-consumers")
    followers = [Follower(consumers, owner, database, client) for owner in consumers.subjects]
    for follower in followers:
        subscriber = broker.subscriber(
            stream=JStream(EVENTS, declare=False),
            durable=follower.durable,
            inbox_prefix=f"_INBOX_{settings.nats_user}.".encode(),
            config=ConsumerConfig(filter_subjects=follower.subjects),
            pull_sub=PullSub(batch_size=1, timeout=5),
            ack_policy=AckPolicy.MANUAL,
            decoder=_delivery,
        )
        subscriber(follower.receive)
    try:
        await _catch_up(followers)
        await broker.start()
        while True:
            await _watch(followers, client)
            await _catch_up(followers)
    finally:
        await broker.stop()


def _broker(settings: Settings, name: str) -> NatsBroker:
    given = options(settings, name)
    user, password = given.pop("user"), given.pop("password")
    security = SASLPlaintext(username=user, password=password)
    return NatsBroker(**given, security=security, apply_types=False, logger=None)


async def _catch_up(followers: list[Follower]) -> None:
    while True:
        try:
            for follower in followers:
                await follower.catch_up()
        except (*_AWAY, JetStreamError) as error:
            log.info("consumers.waiting", reason=str(error)[:200])
            await asyncio.sleep(1.0)
        else:
            return


async def _watch(followers: list[Follower], client: Client) -> None:
    """Until a durable is missing or the log should be compared again."""
    for _ in range(int(COMPARE_S / CHECK_S)):
        await asyncio.sleep(CHECK_S)
        for follower in followers:
            try:
                info = await streams.ask(client, f"CONSUMER.INFO.{EVENTS}.{follower.durable}")
            except StreamRefused:
                continue
            if "error" in info:
                return


async def _ensure(client: Client, durable: str, subjects: list[str], start: int) -> None:
    """Make the durable consumer, or bring an older one up to date."""
    info = await streams.ask(client, f"CONSUMER.INFO.{EVENTS}.{durable}")
    config: dict[str, Any] = {
        "durable_name": durable,
        "name": durable,
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_S * 1_000_000_000,
        "max_ack_pending": 1,
        "max_deliver": -1,
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": max(start, 1),
        "replay_policy": "instant",
        "filter_subjects": subjects,
    }
    if "error" not in info:
        known = info["config"]
        config |= {key: known[key] for key in ("deliver_policy", "opt_start_seq") if key in known}
    request = {"stream_name": EVENTS, "config": config}
    answer = await streams.ask(client, f"CONSUMER.CREATE.{EVENTS}.{durable}", request)
    if "error" in answer:
        raise StreamRefused(str(answer["error"].get("description")))


async def _delivery(message: NatsMessage) -> Delivery:
    raw: Any = message.raw_message
    subject, sequence = raw.subject, raw.metadata.sequence.stream
    return Delivery(message, sequence, RecordedEvent(subject, msgspec.Raw(message.body)))


async def _is_new(connection: AsyncConnection, event: Event) -> bool:
    noted = await connection.execute(_NOTE, {"id": event.id})
    return noted.rowcount == 1


def _tenant_of(subject: str) -> UUID | None:
    """Whose event it is, by its subject: the body may be what cannot be read."""
    with suppress(IndexError, ValueError):
        return UUID(subject.split(".")[2])
    return None


_FOLLOW = text("insert into consumers (owner) values (:owner) on conflict do nothing")
_POSITION = text("select epoch, position from consumers where owner = :owner")
_LOCK = text("select epoch, position from consumers where owner = :owner for update")
_ADVANCE = text(
    "update consumers set epoch = :epoch, position = :position where owner = :owner"
    " and (epoch, position) < (:epoch, :position)",
)
_NOTE = text("insert into inbox (event_id) values (:id) on conflict do nothing")
_PARK = text(
    "insert into dead_letters (id, tenant_id, subject, body, reason)"
    " values (:id, :tenant, :subject, :body, :reason)",
)
