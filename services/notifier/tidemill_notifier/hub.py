"""The hub: follows the log once for this process and passes events to whoever selected them."""

import asyncio
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from tidemill_contracts.identity import ApiKeyRevoked, SessionRevoked, UserDisabled
from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import AskEpoch, Cursor, Epoch
from tidemill_kit.bus import BusAway, RequestRefused, call
from tidemill_kit.errors import Unavailable
from tidemill_kit.streams import StreamRefused
from tidemill_notifier import feed
from tidemill_notifier.fanout import Fanout, Follower
from tidemill_notifier.feed import Feed, StreamState
from tidemill_notifier.ring import Entry, Ring
from tidemill_notifier.selection import ALL
from tidemill_notifier.settings import NotifierSettings

log = structlog.get_logger()
_AWAY = (BusAway, RequestRefused, StreamRefused)
_ENDS = frozenset({"session.revoked", "api_key.revoked", "user.disabled"})
_RETRY_S = 0.5
_decode_end = msgspec.json.Decoder(SessionRevoked | ApiKeyRevoked | UserDisabled).decode
_decode_lines = msgspec.json.Decoder(LiveLines).decode


class HubBehind(Unavailable):
    """The event log cannot be followed for the moment."""


class Sessions(Protocol):
    """Who ends what a revoked session still has open."""

    def revoke(self, *session_ids: UUID) -> None: ...

    def disable(self, user_id: UUID) -> None: ...


class Hub:
    """Agrees on the epoch after every (re)connect, then appends to the ring and dispatches."""

    def __init__(self, settings: NotifierSettings, sessions: Sessions) -> None:
        self.ring = Ring(max_events=settings.ring_events, max_bytes=settings.ring_bytes)
        self.client: Client | None = None
        self._settings = settings
        self._sessions = sessions
        self._fanout = Fanout()
        self._store: StreamState | None = None
        self._connection = -1
        self._last = 0
        self._feed: Feed | None = None
        self._agreed = asyncio.Event()
        self._renewed = asyncio.Event()

    @property
    def head(self) -> Cursor:
        """The newest event known here; the ring may still be on its way there."""
        return Cursor(self.ring.epoch, max(self.ring.head, self._last))

    @property
    def reached(self) -> Cursor:
        """Up to here everybody who follows has got what is theirs."""
        self._fanout.flush()
        return Cursor(self.ring.epoch, self.ring.head)

    @property
    def store(self) -> StreamState | None:
        """The store that positions refer to; None until it is agreed on this connection."""
        client = self.client
        if client is None or self._connection != feed.connection_number(client):
            return None
        return self._store

    async def ready(self) -> None:
        """Raises HubBehind until the epoch was agreed on once."""
        if not self._agreed.is_set():
            raise HubBehind

    async def agreed(self, within_s: float) -> None:
        """Wait for the first agreement on the epoch."""
        try:
            await asyncio.wait_for(self._agreed.wait(), within_s)
        except TimeoutError as error:
            raise HubBehind from error

    def doubt(self, reason: str) -> None:
        """Ask for the epoch again: somebody saw what does not fit it."""
        if self._feed is not None:
            self._feed.stop(reason)

    async def look(self, within_s: float) -> None:
        """Ask for the epoch, since somebody knows a newer one, and follow it if there is."""
        if self.client is None:
            raise HubBehind
        epoch = await self._ask_epoch(self.client)
        if epoch > self.ring.epoch:
            self._renewed.clear()
            self.doubt("a newer epoch")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._renewed.wait(), within_s)

    def connection(self) -> str:
        """Whether NATS is there."""
        return "connected" if self.client is not None and self.client.is_connected else "away"

    async def run(self, client: Client) -> None:
        """Follow the log until cancelled; trouble with NATS or the jobs service only delays."""
        self.client = client
        await client.subscribe("tm.progress.*.*", cb=self._progressed)
        await client.subscribe("tm.log.*.*", cb=self._said)
        while True:
            try:
                await self._agree(client)
                await self._follow(client)
            except _AWAY as error:
                log.info("hub.waiting", reason=str(error)[:200])
                await asyncio.sleep(_RETRY_S)

    def join(self, follower: Follower) -> None:
        """Pass events behind the head to this follower; twice changes nothing."""
        self._fanout.join(follower)

    def leave(self, follower: Follower) -> None:
        self._fanout.leave(follower)

    def receive(self, position: int, subject: str, body: bytes) -> bool:
        """Keep the next event of the log and pass it on; true where others should have a turn."""
        entry = Entry(Cursor(self.ring.epoch, position), subject, body)
        self.ring.append(entry)
        if entry.type in _ENDS:
            with suppress(msgspec.MsgspecError):
                self._end(_decode_end(body))
        return self._fanout.pass_on(entry)

    def _end(self, event: SessionRevoked | ApiKeyRevoked | UserDisabled) -> None:
        if isinstance(event, UserDisabled):
            self._sessions.disable(event.user_id)
        else:
            self._sessions.revoke(event.key)

    async def _agree(self, client: Client) -> None:
        """Learn the epoch and whether the ring still is a part of its stream."""
        connection = feed.connection_number(client)
        known = self.head if self._agreed.is_set() else None
        epoch = await self._ask_epoch(client)
        store = await feed.state(client)
        if known is not None and epoch == known.epoch and store.last < known.position:
            raise StreamRefused(f"the stream ends at {store.last}, before {known}")
        if known is None or epoch != known.epoch or store.first > self.ring.head + 1:
            newest = store.last - self._settings.ring_events
            self._start_over(Cursor(epoch, max(store.first - 1, newest, 0)))
        self._store, self._connection, self._last = store, connection, store.last
        self._renewed.set()
        log.info("hub.agreed", epoch=epoch, first=store.first, last=store.last)

    async def _ask_epoch(self, client: Client) -> int:
        known = self.head if self._agreed.is_set() else None
        asked = AskEpoch(asker="notifier", last_recorded=known)
        return (await call(client, "tm.rpc.jobs.epoch", asked, Epoch)).epoch

    async def _follow(self, client: Client) -> None:
        self._feed = Feed(
            client,
            self.receive,
            connection=self._connection,
            heartbeat_s=self._settings.feed_heartbeat_s,
        )
        self._agreed.set()
        try:
            await self._feed.follow(self.ring.head + 1)
        finally:
            self._feed, self._connection = None, -1

    def _start_over(self, cursor: Cursor) -> None:
        behind = self.reached
        self.ring.reset(cursor)
        for follower in self._fanout.everybody():
            follower.restart(behind)

    async def _progressed(self, message: Msg) -> None:
        _, _, tenant, job = message.subject.split(".")
        job_id = str(UUID(job))
        for topic in (ALL, f"job.{job_id}"):
            for follower in self._fanout.of_topic(tenant, topic):
                follower.progressed(job_id, message.data)

    async def _said(self, message: Msg) -> None:
        _, _, tenant, job = message.subject.split(".")
        job_id = str(UUID(job))
        if followers := self._fanout.of_topic(tenant, f"job.{job_id}"):
            with suppress(msgspec.DecodeError):
                lines = _decode_lines(message.data)
                for follower in followers:
                    follower.said(job_id, lines)
