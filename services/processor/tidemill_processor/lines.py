"""What user code prints, line by line."""

import asyncio
import os
from collections import deque
from collections.abc import Callable

MAX_LINE_BYTES = 8 * 1024
READ_BYTES = 64 * 1024
TAIL = 20


class Lines:
    """Reads a pipe as it fills; `tail` keeps the last lines for whoever asks why it ended."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._heard = heard
        self._rest = b""
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def drain(self) -> None:
        """Take what has been printed until now; a line without an end counts, too."""
        while self._read():
            pass
        if self._rest:
            self._tell(self._rest)
            self._rest = b""

    def started(self) -> None:
        """The other process has its end; ours would keep the pipe open."""
        os.close(self.writing)

    def close(self) -> None:
        self.drain()
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)

    def _read(self) -> bool:
        try:
            chunk = os.read(self._reading, READ_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._reading)
            return False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) > MAX_LINE_BYTES:
            self._tell(self._rest)
            self._rest = b""
        return True

    def _tell(self, line: bytes) -> None:
        text = line[:MAX_LINE_BYTES].decode(errors="replace").rstrip("\r")
        self.tail.append(text)
        self._heard(text)
