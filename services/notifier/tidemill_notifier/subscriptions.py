"""A socket's subscriptions: each one selection, first replayed, then live."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tidemill_contracts.identity import Principal
from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_contracts.stream import Gap, Live, StreamError, Subscribe, Subscribed
from tidemill_kit.errors import Conflict, NotFound, TidemillError, TooMany
from tidemill_notifier import frames
from tidemill_notifier.archive import Archive, HistoryAway
from tidemill_notifier.fanout import Batch
from tidemill_notifier.history import HistoryForgotten
from tidemill_notifier.hub import Hub
from tidemill_notifier.outbox import Outbox, Run
from tidemill_notifier.replay import Older, Replay, place
from tidemill_notifier.ring import Entry
from tidemill_notifier.selection import LOG, PROGRESS, Selection


class AlreadySubscribed(Conflict):
    """This id is in use on this socket."""


class TooManySubscriptions(TooMany):
    """The socket follows as many topics as socket_topics allows."""


class Subscription:
    """Events up to `cursor` have been handed to the outbox or need not be."""

    def __init__(
        self,
        name: str,
        selection: Selection,
        outbox: Outbox,
        restarted: Callable[["Subscription"], None],
    ) -> None:
        self.name = name
        self.selection = selection
        self.cursor = Cursor(0, 0)
        self.live = False
        self._outbox = outbox
        self._restarted = restarted
        self._announced = False
        self._progressed = set[str]()

    def take(self, batch: Batch) -> None:
        """A client may know of events that this process has yet to see."""
        new = batch if batch.first > self.cursor else batch.behind(self.cursor)
        if new is not None:
            self.cursor = new.last
            self._outbox.push(new)

    def progressed(self, job_id: str, progress: bytes) -> None:
        if self.selection.accepts(PROGRESS):
            if not self.selection.everything:
                self._progressed.add(job_id)
            self._outbox.progress(self.name, job_id, progress)

    def said(self, job_id: str, lines: LiveLines) -> None:
        if self.selection.accepts(LOG):
            self._outbox.say(self.name, job_id, lines)

    def restart(self, behind: Cursor) -> None:
        self.cursor = max(self.cursor, behind)
        self._restarted(self)

    async def follow(self, hub: Hub, archive: Archive) -> None:
        """Check, announce, replay, go live; NotFound where a topic is not the tenant's."""
        await archive.check(self.selection)
        await self.catch_up(hub, archive)
        for topic in self.selection.keyed:
            await self._last_progress(archive, topic)

    async def catch_up(self, hub: Hub, archive: Older) -> None:
        """Replay what lies behind the cursor, then join the hub without a hole."""
        replay = Replay(hub, archive, self.selection, self.cursor)
        while entries := await self._page(replay):
            items = [entry.item for entry in entries]
            for frame in frames.events(self.name, items, replay=True):
                await self._outbox.send(self.name, frame)
            self.cursor = replay.cursor
        self.cursor = replay.cursor
        self._announce(recovered=True)
        self.live = True
        hub.join(self)
        self._outbox.put(Live(self.name, str(self.cursor)))

    async def _page(self, replay: Replay) -> list[Entry]:
        while True:
            try:
                entries = await replay.page()
            except HistoryAway:
                self._miss("history_away", await replay.skip())
            except HistoryForgotten as error:
                self._miss("retention", error.resume)
            else:
                if entries:
                    self._announce(recovered=True)
                return entries

    def _miss(self, reason: str, resume: Cursor) -> None:
        self._announce(recovered=False)
        self._outbox.put(Gap(self.name, reason, str(resume)))

    def _announce(self, *, recovered: bool) -> None:
        if not self._announced:
            self._announced = True
            self._outbox.put(Subscribed(self.name, recovered))

    async def _last_progress(self, archive: Archive, topic: str) -> None:
        context, _, job_id = topic.partition(".")
        if context == "job" and self.selection.accepts(PROGRESS):
            progress = await archive.progress(self.selection, topic)
            if progress is not None and job_id not in self._progressed:
                self._outbox.progress(self.name, job_id, progress)


class Subscriptions:
    """All that one socket follows; `run` starts a task whose failure ends the socket."""

    def __init__(
        self,
        hub: Hub,
        archive: Archive,
        outbox: Outbox,
        *,
        max_topics: int,
        run: Run,
    ) -> None:
        self._hub = hub
        self._archive = archive
        self._outbox = outbox
        self._max_topics = max_topics
        self._run = run
        self._all: dict[str, Subscription] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def add(self, principal: Principal, frame: Subscribe) -> None:
        """Begin to follow; a refusal is answered by an error frame."""
        selection = Selection(principal, frame.topics, frame.types)
        try:
            self._check(frame.id, len(selection.topics))
        except TidemillError as error:
            self._refuse(frame.id, error)
            return
        subscription = Subscription(frame.id, selection, self._outbox, self._restart)
        self._all[frame.id] = subscription
        subscription.cursor = self._hub.head
        self._start(subscription, self._follow(subscription, frame.since))

    def remove(self, name: str) -> None:
        """Stop following; an unknown id changes nothing."""
        subscription = self._all.pop(name, None)
        if subscription is None:
            return
        self._hub.leave(subscription)
        self._tasks.pop(name).cancel()
        self._outbox.drop(name)

    def clear(self) -> None:
        for name in tuple(self._all):
            self.remove(name)

    def resume(self) -> Cursor:
        """A cursor up to which every subscription has got what is its own."""
        places = [self._hub.reached]
        places += [item.cursor for item in self._all.values() if not item.live]
        if unsent := self._outbox.first_unsent:
            places.append(Cursor(unsent.epoch, unsent.position - 1))
        return min(places)

    def _check(self, name: str, topics: int) -> None:
        if name in self._all:
            raise AlreadySubscribed
        followed = sum(len(item.selection.topics) for item in self._all.values())
        if followed + topics > self._max_topics:
            raise TooManySubscriptions

    async def _follow(self, subscription: Subscription, since: str | None) -> None:
        try:
            if since is not None:
                subscription.cursor = await place(self._hub, since)
            await subscription.follow(self._hub, self._archive)
        except TidemillError as error:
            del self._all[subscription.name], self._tasks[subscription.name]
            self._hub.leave(subscription)
            self._refuse(subscription.name, error)

    def _restart(self, subscription: Subscription) -> None:
        if subscription.live:
            subscription.live = False
            self._hub.leave(subscription)
            self._start(subscription, subscription.catch_up(self._hub, self._archive))

    def _start(self, subscription: Subscription, work: Coroutine[Any, Any, None]) -> None:
        self._tasks[subscription.name] = self._run(work)

    def _refuse(self, name: str, error: TidemillError) -> None:
        code = NotFound.code() if isinstance(error, NotFound) else error.code()
        self._outbox.put(StreamError(code, str(error), name))
