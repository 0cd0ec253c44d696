"""What somebody missed, page by page, until the ring's head is reached without a hole."""

import asyncio
from datetime import datetime
from typing import Protocol

from tidemill_contracts.log import Cursor, read_cursor
from tidemill_kit import streams
from tidemill_kit.errors import BadRequest
from tidemill_notifier import feed
from tidemill_notifier.archive import Archive, Trimmed
from tidemill_notifier.history import History, HistoryForgotten
from tidemill_notifier.hub import Hub, HubBehind
from tidemill_notifier.ring import Entry, Page
from tidemill_notifier.selection import Selection

PAGE = 256
NOW = "now"
START = "start"
_EPOCH_PATIENCE_S = 3.0


class Older(Protocol):
    """Where events are that the ring no longer has: the archive."""

    async def stored(self, selection: Selection, after: Cursor, limit: int) -> Page:
        """A page between this cursor and the ring's floor; Trimmed where the stream is short."""
        ...

    async def history(self, selection: Selection, after: Cursor) -> History:
        """An opened history whose end joins the stream."""
        ...

    async def page(self, history: History, limit: int) -> list[Entry]:
        """The next events of a history; none where it is over."""
        ...

    async def oldest(self) -> Cursor:
        """The cursor behind which the stream has everything."""
        ...


class BadCursor(BadRequest):
    """The cursor is malformed or lies in the future."""


async def place(hub: Hub, since: str | None) -> Cursor:
    """Where `since` points to; BadCursor where the log cannot have been yet."""
    if since is None or since == NOW:
        return hub.head
    if since == START:
        return Cursor(0, 0)
    if (moment := _moment(since)) is not None:
        return await _before(hub, moment)
    try:
        cursor = read_cursor(since)
    except ValueError as error:
        raise BadCursor from error
    if cursor > hub.head and not await _has_come(hub, cursor):
        raise BadCursor
    return cursor


def _moment(since: str) -> datetime | None:
    """A moment as RFC 3339 writes it, with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(since) if "T" in since else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


async def _before(hub: Hub, moment: datetime) -> Cursor:
    """A place at or before the first event of this moment.

    What the stream has forgotten its owners know: then it is the start.
    """
    if hub.client is None:
        raise HubBehind
    found = await streams.first_since(hub.client, streams.EVENTS, moment)
    if found is None:
        return hub.head
    first = (await feed.state(hub.client)).first
    return Cursor(hub.ring.epoch, found - 1) if found > first else Cursor(0, 0)


async def _has_come(hub: Hub, cursor: Cursor) -> bool:
    """Whether the log is further than this hub has seen: an answer over HTTP may be ahead of it."""
    if hub.client is None:
        raise HubBehind
    if cursor.epoch > hub.ring.epoch:
        await hub.look(_EPOCH_PATIENCE_S)
    if cursor.epoch == hub.ring.epoch and cursor > hub.head:
        return cursor.position <= (await feed.state(hub.client)).last
    return cursor <= hub.head


class Replay:
    """Gives the selected events behind `cursor`, each once and in the order of the log.

    The owners' history comes first for single things and for what is older than the stream; then
    the stream up to the ring's floor; then the ring.
    """

    def __init__(self, hub: Hub, archive: Older, selection: Selection, cursor: Cursor) -> None:
        self.cursor = cursor
        self._hub = hub
        self._archive = archive
        self._selection = selection
        self._history: History | None = None
        self._from_owners = bool(selection.keyed)

    async def page(self) -> list[Entry]:
        """The next events; empty when the ring's head is reached, and nothing was awaited since.

        HistoryAway means that events are missing: `skip` goes on behind them. After
        HistoryForgotten the next page is of what is kept.
        """
        while True:
            if self._history is not None:
                entries = await self._recorded(self._history)
            elif self._hub.ring.covers(self.cursor):
                entries = self._kept()
                if not entries and self.cursor.position >= self._hub.ring.head:
                    return []
                await asyncio.sleep(0)
            else:
                entries = await self._older()
            if entries:
                return entries

    async def skip(self) -> Cursor:
        """Give up what cannot be had; answers from where on nothing is missing."""
        self._history, self._from_owners = None, False
        self.cursor = max(self.cursor, await self._archive.oldest())
        return self.cursor

    def _kept(self) -> list[Entry]:
        page = self._hub.ring.page(self.cursor.position, self._selection, PAGE)
        self.cursor = Cursor(self.cursor.epoch, max(page.upto, self.cursor.position))
        return page.entries

    async def _recorded(self, history: History) -> list[Entry]:
        entries = await self._archive.page(history, PAGE)
        if entries:
            self.cursor = entries[-1].cursor
        else:
            self.cursor, self._history = max(self.cursor, history.join), None
        return entries

    async def _older(self) -> list[Entry]:
        if not self._from_owners and self.cursor.epoch == self._hub.ring.epoch:
            try:
                page = await self._archive.stored(self._selection, self.cursor, PAGE)
            except Trimmed:
                self._from_owners = True
                return []
            self.cursor = max(self.cursor, Cursor(self.cursor.epoch, page.upto))
            return page.entries
        try:
            self._history = await self._archive.history(self._selection, self.cursor)
        except HistoryForgotten as error:
            self.cursor = error.resume
            raise
        self._from_owners = False
        return []


async def replay_of(
    hub: Hub,
    archive: Archive,
    selection: Selection,
    since: str,
) -> Replay:
    """A replay from `since`; NotFound where the selection names what the tenant does not have."""
    await hub.ready()
    cursor = await place(hub, since)
    await archive.check(selection)
    return Replay(hub, archive, selection, cursor)


async def page_of(replay: Replay, limit: int) -> tuple[list[Entry], bool]:
    """The next events up to a limit, and whether there may be more of them now."""
    found = list[Entry]()
    while len(found) <= limit:
        entries = await replay.page()
        if not entries:
            return found, False
        found += entries
    return found[:limit], True
