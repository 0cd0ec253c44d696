"""A subscription: one selection of one socket, first replayed, then live."""

from collections.abc import Callable

from tidemill_contracts.log import Cursor
from tidemill_contracts.stream import Gap, Live, Subscribed
from tidemill_notifier.archive import Archive, HistoryAway
from tidemill_notifier.hub import Hub
from tidemill_notifier.outbox import Outbox, frames
from tidemill_notifier.replay import Replay
from tidemill_notifier.ring import Entry
from tidemill_notifier.selection import PROGRESS, Selection


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

    def deliver(self, entry: Entry) -> None:
        if entry.cursor > self.cursor:
            self.cursor = entry.cursor
            if self.selection.accepts(entry.type):
                self._outbox.push(self.name, entry)

    def progressed(self, job_id: str, progress: bytes) -> None:
        if self.selection.accepts(PROGRESS):
            if not self.selection.everything:
                self._progressed.add(job_id)
            self._outbox.progress(self.name, job_id, progress)

    def restart(self) -> None:
        self._restarted(self)

    async def follow(self, hub: Hub, archive: Archive, since: Cursor) -> None:
        """Check, announce, replay, go live; NotFound where a topic is not the tenant's."""
        self.cursor = since
        await archive.check(self.selection)
        await self.catch_up(hub, archive)
        for topic in self.selection.keyed:
            await self._last_progress(archive, topic)

    async def catch_up(self, hub: Hub, archive: Archive) -> None:
        """Replay what lies behind the cursor, then join the hub without a hole."""
        replay = Replay(hub, archive, self.selection, self.cursor)
        while entries := await self._page(replay):
            items = [entry.item for entry in entries]
            for frame in frames(self.name, items, replay=True):
                await self._outbox.send(frame)
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
                resume = await replay.skip()
                self._announce(recovered=False)
                self._outbox.put(Gap(self.name, "history_away", str(resume)))
            else:
                if entries:
                    self._announce(recovered=True)
                return entries

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
