"""History from the services that own it, merged into the order of the log."""

from collections import deque
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from msgspec import Struct

from tidemill_contracts.log import AskEvents, Cursor, RecordedEvent
from tidemill_contracts.log import History as Answer
from tidemill_kit.errors import Gone, NotFound
from tidemill_notifier.ring import Entry
from tidemill_notifier.selection import Selection, key_of, owner_of_topic

OWNERS = ("identity", "ingestion", "jobs", "notifier")
type Ask = Callable[[str, AskEvents], Awaitable[Answer]]


class HistoryForgotten(Gone):
    """Events behind this cursor are over their retention; go on from `resume`."""

    def __init__(self, resume: Cursor) -> None:
        super().__init__(resume=str(resume))
        self.resume = resume


class _Numbered(Struct):
    seq: int


class Source:
    """One owner's events: all of a tenant behind a cursor, or those of one thing."""

    def __init__(self, owner: str, tenant_id: UUID, after: Cursor, topic: str | None) -> None:
        self.waiting = deque[Entry]()
        self.over = False
        self.complete_from = self.complete_to = Cursor(0, 0)
        self._owner = owner
        self._tenant_id = tenant_id
        self._after = after
        self._topic = topic
        self._key = key_of(topic) if topic else None
        self._seq = 0

    async def fill(self, ask: Ask, *, upto: Cursor | None) -> None:
        """Ask for the next page; what lies beyond `upto` is not kept."""
        request = AskEvents(
            after=None if self._key else self._after,
            tenant_id=self._tenant_id,
            key=self._key,
            after_seq=self._seq,
        )
        answer = await ask(self._owner, request)
        if not answer.known:
            raise NotFound(f"There is no {self._topic}.")
        if upto is None:
            self.complete_from, self.complete_to = answer.complete_from, answer.complete_to
        self.over = not answer.items
        for item in answer.items:
            self._keep(item)
        if upto is not None:
            self.trim(upto)

    def trim(self, upto: Cursor) -> None:
        """Leave out what lies beyond: it comes with the stream."""
        while self.waiting and self.waiting[-1].cursor > upto:
            self.waiting.pop()
            self.over = True

    def _keep(self, item: RecordedEvent) -> None:
        """Events that are not published yet come with the stream."""
        if item.cursor is None:
            self.over = True
        elif not self.over:
            if item.cursor > self._after:
                self.waiting.append(Entry(item.cursor, item.subject, bytes(item.body)))
                self._after = item.cursor
            if self._key is not None:
                self._seq = msgspec.json.decode(item.body, type=_Numbered).seq


class History:
    """The selected events between a cursor and `join`, where the stream takes over."""

    def __init__(self, ask: Ask, selection: Selection, after: Cursor) -> None:
        self.join = after
        self._ask = ask
        self._selection = selection
        self._last = after
        tenant, keyed = selection.tenant_id, selection.keyed
        self._sources = [Source(owner_of_topic(t), tenant, after, t) for t in keyed]
        if selection.everything:
            self._sources += [Source(owner, tenant, after, None) for owner in OWNERS]

    async def open(self, at_least: Cursor) -> None:
        """Fix `join`: all is recorded up to it, and the stream has all behind `at_least`.

        HistoryForgotten where something behind the cursor is gone; the start is what is kept.
        """
        for source in self._sources:
            await source.fill(self._ask, upto=None)
        kept_from = max(source.complete_from for source in self._sources)
        if Cursor(0, 0) < self._last < kept_from:
            raise HistoryForgotten(kept_from)
        complete_to = min(source.complete_to for source in self._sources)
        self.join = max(complete_to, at_least, self._last)
        for source in self._sources:
            source.trim(self.join)

    async def page(self, limit: int) -> list[Entry]:
        """The next events in order, each once; none when the history is over."""
        found = list[Entry]()
        while len(found) < limit:
            entry = await self._next()
            if entry is None:
                break
            if entry.cursor > self._last:
                self._last = entry.cursor
                if self._selection.wants(entry):
                    found.append(entry)
        return found

    async def _next(self) -> Entry | None:
        for source in self._sources:
            while not source.waiting and not source.over:
                await source.fill(self._ask, upto=self.join)
        waiting = [source.waiting for source in self._sources if source.waiting]
        return min(waiting, key=lambda queue: queue[0].cursor).popleft() if waiting else None
