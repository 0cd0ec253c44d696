"""The pipes that a child speaks through besides its words, read as they fill."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress

from tidemill_contracts.lines import LineStream

READ_BYTES = 64 * 1024
PIPE_BYTES = 256 * 1024
RECENT_BYTES = 4 * 1024
AT_ONCE = PIPE_BYTES // READ_BYTES
PAUSE_S = 0.005

type Hear = Callable[[LineStream, bytes], None]


class Pipes:
    """Hands over what comes; `heard` may change between two tasks, and None does not listen.

    Each is read at most 200 times a second, and who writes more than fits has to wait: so a flood
    takes no more of the supervisor's time than a trickle.
    """

    def __init__(self) -> None:
        self.writing: dict[LineStream, int] = {}
        self._heard: Hear | None = None
        self._recent = b""
        self._reading: dict[LineStream, int] = {}
        for stream in LineStream:
            self._reading[stream], self.writing[stream] = os.pipe()
            os.set_blocking(self._reading[stream], False)
            with suppress(OSError):
                fcntl.fcntl(self.writing[stream], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            self._watch(stream)

    def listen(self, heard: Hear | None) -> None:
        """Hand over what comes from now on; what came before is dropped if nobody heard it."""
        self.drain()
        self._heard = heard
        self._recent = b""

    @property
    def recent(self) -> str:
        """The last that was printed since `listen`, for whoever asks why the child ended."""
        return self._recent.decode(errors="replace").strip()

    def started(self) -> None:
        """The other process has its ends; ours would keep the pipes open."""
        for descriptor in self.writing.values():
            os.close(descriptor)

    def drain(self) -> None:
        """Read what has been written until now."""
        for stream in tuple(self._reading):
            for _ in range(AT_ONCE + 1):
                if not self._read(stream):
                    break

    def close(self) -> None:
        self.drain()
        for stream in tuple(self._reading):
            self._forget(stream)

    def _watch(self, stream: LineStream) -> None:
        if stream in self._reading:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._reading[stream], self._readable, stream)

    def _readable(self, stream: LineStream) -> None:
        for _ in range(AT_ONCE):
            if self._read(stream) < READ_BYTES:
                break
        if stream in self._reading:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._reading[stream])
            loop.call_later(PAUSE_S, self._watch, stream)

    def _read(self, stream: LineStream) -> int:
        try:
            chunk = os.read(self._reading[stream], READ_BYTES)
        except BlockingIOError:
            return 0
        if not chunk:
            self._forget(stream)
            return 0
        if stream is not LineStream.LOG:
            self._recent = (self._recent + chunk[-RECENT_BYTES:])[-RECENT_BYTES:]
        if self._heard is not None:
            self._heard(stream, chunk)
        return len(chunk)

    def _forget(self, stream: LineStream) -> None:
        descriptor = self._reading.pop(stream)
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
