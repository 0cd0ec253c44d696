"""What waits for one socket: bounded, in order, and written in as few frames as it allows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec
from msgspec import Raw, Struct, field

from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_contracts.stream import MAX_SERVER_FRAME_BYTES
from tidemill_notifier.ring import Entry

_MAX_PROGRESS = 1_000
_MAX_LINES_BYTES = 256 * 1024
_FRAME_OVERHEAD = 256
encode = msgspec.json.Encoder().encode

type Send = Callable[[bytes], Awaitable[None]]


class Waiting(Struct):
    """Events of one subscription that go out together."""

    subscription: str
    items: list[bytes]


class Said(Struct):
    """Lines of one job that go out together."""

    lines: list[Raw] = field(default_factory=list[Raw])
    skipped: int = 0


class Outbox:
    """A queue in front of a socket; `overflowed` is called once when it is full."""

    def __init__(
        self,
        send: Send,
        *,
        max_frames: int,
        max_bytes: int,
        overflowed: Callable[[], None],
    ) -> None:
        self._send = send
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._overflowed = overflowed
        self._full = False
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self._queue: list[bytes | Waiting] = []
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

    def push(self, subscription: str, entry: Entry) -> None:
        """Queue a live event."""
        waiting = self._open.get(subscription)
        if waiting is None:
            waiting = self._open[subscription] = Waiting(subscription, [])
            self._queue.append(waiting)
        waiting.items.append(entry.item)
        if self._first is None:
            self._first = entry.cursor
        self._grown(len(entry.item))

    def put(self, frame: Struct) -> None:
        """Queue a frame behind all events that wait."""
        encoded = encode(frame)
        self._queue.append(encoded)
        self._open.clear()
        self._grown(len(encoded))

    def progress(self, subscription: str, job_id: str, progress: bytes) -> None:
        """Queue the newest progress of a job in place of an older one."""
        if len(self._progress) < _MAX_PROGRESS or (subscription, job_id) in self._progress:
            self._progress[subscription, job_id] = progress
            self._wake.set()

    def say(self, subscription: str, job_id: str, lines: LiveLines) -> None:
        """Queue lines of a job; what there is no room for is counted."""
        said = self._said.setdefault((subscription, job_id), Said())
        size = sum(len(line) for line in lines.lines)
        if self._said_bytes + size > _MAX_LINES_BYTES:
            said.skipped += lines.skipped + len(lines.lines)
        else:
            said.skipped += lines.skipped
            said.lines += lines.lines
            self._said_bytes += size
        self._wake.set()

    def drop(self, subscription: str) -> None:
        """Forget what waits for a subscription that has ended."""
        self._open.pop(subscription, None)
        self._queue = [
            item
            for item in self._queue
            if not (isinstance(item, Waiting) and item.subscription == subscription)
        ]
        self._progress = {k: v for k, v in self._progress.items() if k[0] != subscription}
        self._said = {k: v for k, v in self._said.items() if k[0] != subscription}

    async def run(self) -> None:
        """Write what waits, whenever something does, until cancelled."""
        while True:
            await self._wake.wait()
            async with self._lock:
                await self._flush()

    async def send(self, frame: bytes) -> None:
        """Write this frame now, behind what waits; it takes no room in the queue."""
        async with self._lock:
            await self._flush()
            await self._send(frame)

    async def _flush(self) -> None:
        self._wake.clear()
        queue, self._queue, self._bytes = self._queue, [], 0
        self._in_flight, self._first = self._first, None
        self._open.clear()
        for item in queue:
            if isinstance(item, bytes):
                await self._send(item)
            else:
                for frame in frames(item.subscription, item.items):
                    await self._send(frame)
        self._in_flight = None
        progress, self._progress = self._progress, {}
        for (subscription, job_id), body in progress.items():
            await self._send(_progress_frame(subscription, job_id, body))
        said, self._said, self._said_bytes = self._said, {}, 0
        for (subscription, job_id), each in said.items():
            await self._send(_log_frame(subscription, job_id, each))

    def _grown(self, size: int) -> None:
        self._bytes += size
        self._wake.set()
        over = self._bytes > self._max_bytes or len(self._queue) > self._max_frames
        if over and not self._full:
            self._full = True
            self._overflowed()


def frames(subscription: str, items: list[bytes], *, replay: bool = False) -> Iterator[bytes]:
    """`events` frames for items that are encoded already, none larger than allowed."""
    head = b'{"op":"events","id":%b,"items":[' % encode(subscription)
    tail = b'],"replay":true}' if replay else b"]}"
    begin, size = 0, _FRAME_OVERHEAD
    for number, item in enumerate(items):
        size += len(item) + 1
        if size > MAX_SERVER_FRAME_BYTES and number > begin:
            yield head + b",".join(items[begin:number]) + tail
            begin, size = number, _FRAME_OVERHEAD + len(item) + 1
    if begin < len(items):
        yield head + b",".join(items[begin:]) + tail


def _progress_frame(subscription: str, job_id: str, progress: bytes) -> bytes:
    head = b'{"op":"progress","id":%b,' % encode(subscription)
    return head + b'"job_id":"%b","progress":%b}' % (job_id.encode(), progress)


def _log_frame(subscription: str, job_id: str, said: Said) -> bytes:
    """No more than 256 KiB of lines, so smaller than any frame may be."""
    head = b'{"op":"log","id":%b,' % encode(subscription)
    skipped = b',"skipped":%d' % said.skipped if said.skipped else b""
    lines = b",".join(bytes(line) for line in said.lines)
    return head + b'"job_id":"%b","lines":[%b]%b}' % (job_id.encode(), lines, skipped)
