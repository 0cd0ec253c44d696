"""Slots: each runs one task at a time in a warm child process, and ends it when told to."""

import asyncio
import signal
import time
from asyncio import Task
from collections.abc import Awaitable, Callable
from typing import Protocol

from tidemill_contracts.lines import LineStream
from tidemill_contracts.processors import ProcessorInfo
from tidemill_contracts.work import Stopped
from tidemill_processor.process import Child, warm
from tidemill_processor.settings import MEGABYTE, Settings
from tidemill_processor.wire import Begin, Cancel, Ended, Word

MIN_AGE_S = 60.0

type Hear = Callable[[Word], Awaitable[None]]


class Listener(Protocol):
    """Whoever hears what a task prints and logs."""

    def hear(self, stream: LineStream, chunk: bytes) -> None: ...


class Slot:
    """A place for one task; its child is replaced when it has ended or done enough.

    `moved_at` is when the child was last heard of, on the monotonic clock.
    """

    def __init__(
        self,
        settings: Settings,
        number: int,
        *,
        idle: Callable[["Slot"], None],
        learn: Callable[[list[ProcessorInfo]], None],
    ) -> None:
        self.number = number
        self._settings = settings
        self._folder = settings.scratch / f"slot-{number}"
        self._idle = idle
        self._learn = learn
        self._child: Child | None = None
        self._renewal: Task[None] | None = None
        self._ladder: Task[None] | None = None
        self._signalled = False
        self.moved_at = time.monotonic()

    @property
    def cold(self) -> bool:
        """Whether it was never asked for a child."""
        return self._child is None and self._renewal is None

    @property
    def usable(self) -> bool:
        """Whether it has a living child, at work or not, or can have its first one."""
        return self._child is not None or self.cold

    def open(self) -> None:
        """Start a child in the background; the slot is idle once it is ready."""
        self._renewal = asyncio.create_task(self._renew())

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
        if self._child is not None:
            await self._child.close()

    async def run(self, begin: Begin, listener: Listener, hear: Hear) -> Ended:
        """Run a task to its end, also where the child dies of it. Cancelling this kills it."""
        child = self._child
        assert child is not None  # noqa: S101 - only idle slots are handed out
        self._signalled = False

        def heard(stream: LineStream, chunk: bytes) -> None:
            self.moved_at = time.monotonic()
            listener.hear(stream, chunk)

        child.listen(heard)
        ended: Ended | None = None
        try:
            await child.send(begin)
            ended = await self._follow(child, hear)
            return ended
        finally:
            if ended is None:
                child.signal(signal.SIGKILL)
            child.listen(None)
            if self._ladder is not None:
                self._ladder.cancel()
                self._ladder = None
            child.tasks += 1
            if ended is None or ended.spent or self._signalled or self._worn(child, ended.rss):
                self._child = None
                self._renewal = asyncio.create_task(self._renew(child))
            else:
                self._idle(self)

    def cancel(self, grace_s: float) -> None:
        """Ask the running task to stop; after `grace_s` its process is made to."""
        if self._child is not None and self._ladder is None:
            self._ladder = asyncio.create_task(self._descend(self._child, grace_s))

    async def _follow(self, child: Child, hear: Hear) -> Ended:
        while (word := await child.hear()) is not None:
            self.moved_at = time.monotonic()
            match word:
                case Ended():
                    return word
                case _:
                    await hear(word)
        if self._signalled:
            return Ended(ending=Stopped(killed=True), spent=True)
        return Ended(ending=await child.crash(), spent=True)

    async def _descend(self, child: Child, grace_s: float) -> None:
        await child.send(Cancel())
        await asyncio.sleep(grace_s)
        self._signalled = True
        child.signal(signal.SIGTERM)
        await asyncio.sleep(self._settings.kill_s)
        child.signal(signal.SIGKILL)

    def _worn(self, child: Child, rss: int) -> bool:
        old = time.monotonic() - child.started_at > MIN_AGE_S
        large = rss > self._settings.child_rss_mb * MEGABYTE
        return large or (old and child.tasks >= self._settings.child_tasks)

    async def _renew(self, former: Child | None = None) -> None:
        if former is not None:
            await former.close()
        self._child = await warm(
            self._settings,
            self._folder,
            # Polars takes 35 MB: not before tasks have come, then ahead of the next one
            frames=former is not None or self.number >= self._settings.warm_slots,
        )
        self._learn(self._child.processors)
        self._idle(self)


class Slots:
    """All slots of a worker; those with a warm child and nothing to do are handed out.

    A few have their child from the start, the others once they are wanted.
    """

    def __init__(self, settings: Settings) -> None:
        self._warm = settings.warm_slots
        self._all = [
            Slot(settings, number, idle=self.release, learn=self.learn)
            for number in range(settings.slot_count)
        ]
        self._idle: asyncio.Queue[Slot] = asyncio.Queue()
        self.processors: list[ProcessorInfo] = []
        self.known = asyncio.Event()
        self.ready = asyncio.Event()
        self.changed = asyncio.Event()

    @property
    def usable(self) -> int:
        """How many a task can count on: with a living child, at work or not, or still cold."""
        return sum(slot.usable for slot in self._all)

    @property
    def count(self) -> int:
        return len(self._all)

    def learn(self, processors: list[ProcessorInfo]) -> None:
        """What the child that came up last has loaded."""
        self.processors = processors
        self.known.set()

    def open(self) -> None:
        for slot in self._all[: self._warm]:
            slot.open()

    async def close(self) -> None:
        await asyncio.gather(*(slot.close() for slot in self._all))

    async def acquire(self) -> Slot:
        """The next idle slot; it is idle again when the task it is given has ended."""
        if self._idle.empty() and (cold := next((s for s in self._all if s.cold), None)):
            cold.open()
        return await self._idle.get()

    def release(self, slot: Slot) -> None:
        self._idle.put_nowait(slot)
        self.ready.set()
        self.changed.set()
