"""Bytes into lines, with bounds on all that waits; no I/O."""

import codecs
from collections import deque

from msgspec import Struct

from tidemill_contracts.lines import MAX_LINE_BYTES

MAX_WAITING_BYTES = 1024 * 1024
BLOCK_OVERHEAD_BYTES = 128
JOINED_BYTES = 16 * 1024
JOINED_S = 0.02


class Piece(Struct, frozen=True):
    """A line as it was printed; `more` of its bytes are left out, or `lost` lines are at once."""

    at: float
    step: int
    text: bytes = b""
    more: int = 0
    lost: int = 0


class _Block(Struct):
    """Whole lines that came together, each with its end."""

    at: float
    step: int
    data: bytes
    more: int = 0
    start: int = 0

    @property
    def size(self) -> int:
        return len(self.data) - self.start + BLOCK_OVERHEAD_BYTES

    @property
    def lines(self) -> int:
        return self.data.count(b"\n", self.start)


class Lines:
    """What one stream brought: taken from the front line by line, dropped there if it is too much.

    Dropped lines are counted, not looked at: that is what makes a flood cheap. As on a terminal,
    a carriage return begins a line anew.
    """

    def __init__(self, most_bytes: int = MAX_WAITING_BYTES) -> None:
        self._most_bytes = most_bytes
        self._blocks: deque[_Block] = deque()
        self._size = 0
        self._lost = 0
        self._part = b""
        self._more = 0
        self._returned = False

    @property
    def waiting(self) -> bool:
        """Whether there is a whole line to take."""
        return bool(self._blocks)

    def feed(self, chunk: bytes, at: float, step: int) -> None:
        """Add what was read; `step` is the number of the step it belongs to."""
        last = chunk.rfind(b"\n")
        if last < 0:
            self._grow(chunk)
            return
        start = 0
        if self._part or self._more:
            start = chunk.find(b"\n") + 1
            self._grow(chunk[: start - 1])
            self.end(at, step)
        if start <= last:
            self._add(_Block(at, step, chunk[start : last + 1]))
        self._returned = False
        self._grow(chunk[last + 1 :])

    def end(self, at: float, step: int) -> None:
        """What has no end yet ends here."""
        if self._part or self._more:
            self._add(_Block(at, step, self._part + b"\n", self._more))
        self._part, self._more, self._returned = b"", 0, False

    def take(self, most_lines: int, most_bytes: int) -> list[Piece]:
        """The next lines; before them one for those that were lost."""
        taken: list[Piece] = []
        while self._blocks and most_lines > 0 and most_bytes > 0:
            block = self._blocks[0]
            if self._lost:
                taken.append(Piece(block.at, block.step, lost=self._lost))
                self._lost = 0
            begun = block.start
            while block.start < len(block.data) and most_lines > 0 and most_bytes > 0:
                end = block.data.index(b"\n", block.start)
                taken.append(_piece(block, block.data[block.start : end]))
                most_lines -= 1
                most_bytes -= end + 1 - block.start
                block.start = end + 1
            self._size -= block.start - begun
            if block.start == len(block.data):
                self._size -= BLOCK_OVERHEAD_BYTES
                self._blocks.popleft()
        return taken

    def keep_last(self, most_lines: int) -> None:
        """Drop all but so many lines at the end of what waits."""
        excess = sum(block.lines for block in self._blocks) - most_lines
        while excess > 0:
            block = self._blocks[0]
            if block.lines <= excess:
                excess -= block.lines
                self._drop()
            else:
                rest = block.data[block.start :].split(b"\n", excess)[-1]
                self._size -= len(block.data) - block.start - len(rest)
                block.data, block.start = rest, 0
                self._lost += excess
                return

    def _add(self, block: _Block) -> None:
        before = self._blocks[-1] if self._blocks else None
        if before is not None and _joins(before, block):
            before.data += block.data
            self._size += len(block.data)
        else:
            self._blocks.append(block)
            self._size += block.size
        while self._size > self._most_bytes and len(self._blocks) > 1:
            self._drop()

    def _drop(self) -> None:
        block = self._blocks.popleft()
        self._size -= block.size
        self._lost += block.lines

    def _grow(self, data: bytes) -> None:
        """Go on with a line that has no end yet."""
        body = data.rstrip(b"\r")
        if body:
            again = body.rfind(b"\r") + 1
            if again or self._returned:
                self._part, self._more = b"", 0
            room = MAX_LINE_BYTES - len(self._part)
            self._part += body[again : again + room]
            self._more += max(0, len(body) - again - room)
            self._returned = False
        self._returned = self._returned or len(body) < len(data)


def _joins(before: _Block, block: _Block) -> bool:
    """Small blocks of one moment become one: many of them would cost more than their bytes."""
    near = block.at - before.at < JOINED_S and before.step == block.step
    return near and not before.more and not block.more and len(before.data) < JOINED_BYTES


def _piece(block: _Block, line: bytes) -> Piece:
    line = line.rstrip(b"\r")
    line = line[line.rfind(b"\r") + 1 :]
    more = block.more + max(0, len(line) - MAX_LINE_BYTES)
    return Piece(block.at, block.step, _whole(line[:MAX_LINE_BYTES]) if more else line, more)


def _whole(line: bytes) -> bytes:
    """Without a character that was torn at the end."""
    return line[: codecs.utf_8_decode(line, "replace", False)[1]]  # noqa: FBT003 - positional only
