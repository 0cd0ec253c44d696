"""What waits for one socket: bounded, in order, and written in as few frames as it allows."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from msgspec import Raw, Struct, field

from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_notifier import frames
from tidemill_notifier.fanout import Batch

_MAX_PROGRESS = 1_000
_MAX_LINES_BYTES = 256 * 1024

type Run = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Line(Protocol):
    """Where whole frames are written."""

    def offer(self, frame: bytes) -> bool:
        """Write this frame, unless the other side is behind in reading."""
        ...

    async def drained(self) -> None:
        """Wait until a frame can be written; ConnectionError where none ever can."""
        ...


class Waiting(Struct):
    """Events of one subscription that go out together."""

    subscription: str
    items: list[bytes]


class Page(Struct):
    """A frame of a replay, whose reader waits until it is written."""

    subscription: str
    frame: bytes
    written: asyncio.Future[None]


class Said(Struct):
    """Lines of one job that go out together."""

    lines: list[Raw] = field(default_factory=list[Raw])
    skipped: int = 0


class Outbox:
    """Writes at once while the socket takes it, else queues; `overflowed` is called once."""

    def __init__(
        self,
        line: Line,
        *,
        max_frames: int,
        max_bytes: int,
        overflowed: Callable[[], None],
        run: Run,
    ) -> None:
        self._line = line
        self._offer = line.offer
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._overflowed = overflowed
        self._run = run
        self._full = False
        self._behind = False
        self._queue: list[bytes | Waiting | Page] = []
        self._open: dict[str, Waiting] = {}
        self._bytes = 0
        self._progress: dict[tuple[str, str], bytes] = {}
        self._said: dict[tuple[str, str], Said] = {}
        self._said_bytes = 0
        self._first: Cursor | None = None
        self._in_flight: Cursor | None = None

    @property
    def first_unsent(self) -> Cursor | None:
        """The oldest event that may not have reached the socket."""
        return self._in_flight or self._first

    def push(self, batch: Batch) -> None:
        """Send live events, behind what waits."""
        if not self._behind and self._offer(batch.frame):
            return
        waiting = self._open.get(batch.name)
        if waiting is None:
            waiting = self._open[batch.name] = Waiting(batch.name, [])
            self._queue.append(waiting)
        waiting.items += batch.items
        if self._first is None:
            self._first = batch.first
        self._grown(batch.size)

    def put(self, frame: Struct) -> None:
        """Send a frame behind all events that wait."""
        encoded = frames.encode(frame)
        if not self._behind and self._offer(frames.text(encoded)):
            return
        self._queue.append(encoded)
        self._open.clear()
        self._grown(len(encoded))

    def progress(self, subscription: str, job_id: str, progress: bytes) -> None:
        """Send the newest progress of a job, in place of an older one that waits."""
        if not self._behind:
            frame = frames.progress(subscription, job_id, progress)
            if self._offer(frames.text(frame)):
                return
        if len(self._progress) < _MAX_PROGRESS or (subscription, job_id) in self._progress:
            self._progress[subscription, job_id] = progress
            self._stir()

    def say(self, subscription: str, job_id: str, lines: LiveLines) -> None:
        """Send lines of a job; what there is no room for is counted."""
        said = self._said.setdefault((subscription, job_id), Said())
        size = sum(len(line) for line in lines.lines)
        if self._said_bytes + size > _MAX_LINES_BYTES:
            said.skipped += lines.skipped + len(lines.lines)
        else:
            said.skipped += lines.skipped
            said.lines += lines.lines
            self._said_bytes += size
        self._stir()

    def drop(self, subscription: str) -> None:
        """Forget what waits for a subscription that has ended."""
        self._open.pop(subscription, None)
        self._queue = [
            item
            for item in self._queue
            if isinstance(item, bytes) or item.subscription != subscription
        ]
        self._progress = {k: v for k, v in self._progress.items() if k[0] != subscription}
        self._said = {k: v for k, v in self._said.items() if k[0] != subscription}

    async def send(self, subscription: str, frame: bytes) -> None:
        """Write this frame behind what waits, and return then; it takes no room in the queue."""
        if not self._behind and self._offer(frames.text(frame)):
            return
        page = Page(subscription, frame, asyncio.get_running_loop().create_future())
        self._queue.append(page)
        self._open.clear()
        self._stir()
        await page.written

    async def _drain(self) -> None:
        while self._queue or self._progress or self._said:
            await self._write_queue()
            progress, self._progress = self._progress, {}
            for (subscription, job_id), body in progress.items():
                await self._write(frames.progress(subscription, job_id, body))
            said, self._said, self._said_bytes = self._said, {}, 0
            for (subscription, job_id), each in said.items():
                lines = [bytes(line) for line in each.lines]
                await self._write(frames.log(subscription, job_id, lines, each.skipped))
        self._behind = False

    async def _write_queue(self) -> None:
        queue, self._queue, self._bytes = self._queue, [], 0
        self._in_flight, self._first = self._first, None
        self._open.clear()
        for item in queue:
            if isinstance(item, bytes):
                await self._write(item)
            elif isinstance(item, Page):
                await self._write(item.frame)
                if not item.written.done():
                    item.written.set_result(None)
            else:
                for frame in frames.events(item.subscription, item.items):
                    await self._write(frame)
        self._in_flight = None

    async def _write(self, payload: bytes) -> None:
        frame = frames.text(payload)
        while not self._offer(frame):
            await self._line.drained()

    def _stir(self) -> None:
        """See to it that what waits is written."""
        if not self._behind:
            self._behind = True
            self._run(self._drain())

    def _grown(self, size: int) -> None:
        self._bytes += size
        self._stir()
        over = self._bytes > self._max_bytes or len(self._queue) > self._max_frames
        if over and not self._full:
            self._full = True
            self._overflowed()
