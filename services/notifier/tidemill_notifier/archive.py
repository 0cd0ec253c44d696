"""Events that have left the ring: read from the stream without a consumer, or from their owners."""

import asyncio
from collections.abc import Awaitable, Callable

from nats.aio.client import Client

from tidemill_contracts.log import AskEvents, Cursor
from tidemill_contracts.log import History as Answer
from tidemill_kit import streams
from tidemill_kit.bus import BusAway, RequestRefused, call
from tidemill_kit.errors import NotFound, Unavailable
from tidemill_kit.streams import EVENTS, PROGRESS, StreamRefused
from tidemill_notifier import feed
from tidemill_notifier.history import History
from tidemill_notifier.hub import Hub, HubBehind
from tidemill_notifier.ring import Entry, Page
from tidemill_notifier.selection import Selection, key_of, owner_of_topic
from tidemill_notifier.settings import NotifierSettings

_TROUBLE = (BusAway, RequestRefused, StreamRefused, HubBehind)
_RETRY_S = 0.5
_FORGET_ABOVE = 50_000


class HistoryAway(Unavailable):
    """Older events cannot be had for the moment."""


class Trimmed(Unavailable):
    """The stream does not reach back that far any more."""


class Archive:
    """Reads older events for at most a few replays at the same time."""

    def __init__(self, hub: Hub, settings: NotifierSettings) -> None:
        self._hub = hub
        self._patience_s = settings.history_patience_s
        self._readers = asyncio.Semaphore(settings.history_readers)
        self._known = set[tuple[str, str]]()

    async def stored(self, selection: Selection, after: Cursor, limit: int) -> Page:
        """A page between this cursor and the ring's floor; Trimmed where the stream is short."""
        return await self._patiently(lambda: self._stored(selection, after, limit))

    async def history(self, selection: Selection, after: Cursor) -> History:
        """An opened history whose end joins the stream."""

        async def opened() -> History:
            history = History(self._ask, selection, after)
            await history.open(await self._oldest())
            return history

        return await self._patiently(opened)

    async def page(self, history: History, limit: int) -> list[Entry]:
        return await self._patiently(lambda: history.page(limit))

    async def oldest(self) -> Cursor:
        """The cursor behind which the stream has everything."""
        return await self._patiently(self._oldest)

    async def check(self, selection: Selection) -> None:
        """NotFound where a topic names what the tenant does not have."""
        for topic in selection.keyed:
            if (selection.tenant, topic) not in self._known:
                await self._patiently(lambda t=topic: self._check(selection, t))

    async def progress(self, selection: Selection, topic: str) -> bytes | None:
        """The last progress of a job, if there is one."""
        key = key_of(topic)
        if key is None or self._hub.client is None:
            return None
        subject = f"tm.progress.{selection.tenant}.{key.hex}"
        try:
            return await streams.last(self._hub.client, PROGRESS, subject)
        except StreamRefused:
            return None

    async def _stored(self, selection: Selection, after: Cursor, limit: int) -> Page:
        client, store = self._store()
        start = after.position + 1
        if after.epoch != self._hub.ring.epoch or start < store.first:
            raise Trimmed
        found = await streams.read(
            client,
            EVENTS,
            start,
            limit=limit,
            subjects=selection.subjects,
        )
        head = self._hub.ring.head
        now = await feed.state(client)
        if now.created != store.created or now.last < head:
            self._hub.doubt("another store")
            raise HubBehind
        if now.first > start or self._hub.store is not store:
            raise Trimmed if now.first > start else HubBehind
        floor = self._hub.ring.floor
        below = [item for item in found if item.sequence <= floor]
        entries = [Entry(Cursor(after.epoch, i.sequence), i.subject, i.body) for i in below]
        upto = below[-1].sequence if below and len(below) == len(found) else floor
        return Page([entry for entry in entries if selection.wants(entry)], upto)

    async def _oldest(self) -> Cursor:
        client, _ = self._store()
        epoch = self._hub.ring.epoch
        return Cursor(epoch, (await feed.state(client)).first - 1)

    async def _check(self, selection: Selection, topic: str) -> None:
        key = key_of(topic)
        asked = AskEvents(key=key, tenant_id=selection.tenant_id, limit=1)
        if key is None or not (await self._ask(owner_of_topic(topic), asked)).known:
            raise NotFound(f"There is no {topic}.")
        if len(self._known) > _FORGET_ABOVE:
            self._known.clear()
        self._known.add((selection.tenant, topic))

    async def _ask(self, owner: str, request: AskEvents) -> Answer:
        client, _ = self._store()
        answer = await call(client, f"tm.rpc.{owner}.events", request, Answer)
        if answer.complete_to.epoch > self._hub.ring.epoch:
            self._hub.doubt(f"{owner} is in epoch {answer.complete_to.epoch}")
            raise HubBehind
        return answer

    def _store(self) -> tuple[Client, feed.StreamState]:
        store, client = self._hub.store, self._hub.client
        if store is None or client is None:
            raise HubBehind
        return client, store

    async def _patiently[T](self, work: Callable[[], Awaitable[T]]) -> T:
        """Try until it works; time during which the hub itself is cut off does not count."""
        waited = 0.0
        while True:
            try:
                async with self._readers:
                    return await work()
            except _TROUBLE as error:
                if waited >= self._patience_s:
                    raise HistoryAway(str(error)) from error
                waited += _RETRY_S if self._hub.store is not None else 0.0
            await asyncio.sleep(_RETRY_S)
