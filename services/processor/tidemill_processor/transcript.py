"""What one attempt says, bounded: what is shown at once, and what is kept of it."""

import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Raw, Struct

from tidemill_contracts.lines import MAX_ATTEMPT_BYTES, Level, LineStream, LiveLines, LogLine
from tidemill_processor.lines import Lines, Piece
from tidemill_processor.remarks import MARK, Remark

TAIL_BYTES = 256 * 1024
HEAD_BYTES = MAX_ATTEMPT_BYTES - TAIL_BYTES
SEGMENT_BYTES = 64 * 1024
SHOWN_LINES = 500
SHOWN_BYTES = 128 * 1024
TAKEN_LINES = 2_000
LEAST_BYTES = 128
TAKEN_BYTES = 256 * 1024
LEVELS = {LineStream.STDOUT: Level.INFO, LineStream.STDERR: Level.WARNING}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Remark).decode


class _Late(Struct, frozen=True):
    """A line that is kept only if few come behind it."""

    encoded: bytes
    last: LogLine

    @property
    def count(self) -> int:
        return 1 if self.last.left_out is UNSET else self.last.left_out


class _Voice:
    """One stream, and the step that it has come to."""

    def __init__(self, last_step: int) -> None:
        self.lines = Lines()
        self._step = 0
        self._last_step = last_step
        self._held = b""

    def hear(self, chunk: bytes, at: float) -> None:
        chunk = self._held + chunk
        while (end := chunk.find(MARK)) >= 0:
            self.lines.feed(chunk[:end], at, self._step)
            self.lines.end(at, self._step)
            self._step = min(self._step + 1, self._last_step)
            chunk = chunk[end + len(MARK) :]
        begun = chunk.rfind(MARK[:1], max(0, len(chunk) + 1 - len(MARK)))
        cut = begun if begun >= 0 and MARK.startswith(chunk[begun:]) else len(chunk)
        self._held = chunk[cut:]
        self.lines.feed(chunk[:cut], at, self._step)

    def end(self, at: float) -> None:
        self.lines.feed(self._held, at, self._step)
        self.lines.end(at, self._step)
        self._held = b""


class Transcript:
    """The first 768 KiB and the last 256 KiB of all lines; a line says how many are between."""

    def __init__(self, attempt: int, steps: Iterable[str]) -> None:
        self._attempt = attempt
        self._steps = list(steps)
        self._voices = {stream: _Voice(len(self._steps) - 1) for stream in LineStream}
        self._number = 0
        self._live: deque[bytes] = deque()
        self._live_bytes = 0
        self._skipped = 0
        self._head: deque[bytes] = deque()
        self._head_room = HEAD_BYTES
        self._tail: deque[_Late] = deque()
        self._tail_bytes = 0
        self._gap: LogLine | None = None

    @property
    def waiting(self) -> bool:
        """Whether `take` would find lines."""
        return any(voice.lines.waiting for voice in self._voices.values())

    @property
    def kept_bytes(self) -> int:
        """How much there is for `segment`."""
        return sum(map(len, self._head))

    def hear(self, stream: LineStream, chunk: bytes) -> None:
        """Add what came out of the child; cheap, for it may be much."""
        self._voices[stream].hear(chunk, time.time())

    def take(self) -> None:
        """Look at the next lines that wait: so many that nobody else waits long."""
        most = TAKEN_LINES if self._head_room else SHOWN_LINES
        pieces = [
            (piece, stream)
            for stream, voice in self._voices.items()
            for piece in voice.lines.take(most, TAKEN_BYTES)
        ]
        lines = [self._line(piece, stream) for piece, stream in pieces]
        for line in sorted(lines, key=lambda line: line.at):
            self._number += 1 if line.left_out is UNSET else line.left_out
            self._add(msgspec.structs.replace(line, number=self._number))

    def shown(self) -> bytes | None:
        """What is to be shown now, as LiveLines; None where there is nothing new."""
        if not self._live:
            return None
        live = LiveLines([Raw(line) for line in self._live], self._skipped)
        self._live.clear()
        self._live_bytes = self._skipped = 0
        return _encode(live)

    def segment(self) -> list[Raw]:
        """The next lines to keep; none where there are no more yet."""
        found: list[Raw] = []
        room = SEGMENT_BYTES
        while self._head and (not found or len(self._head[0]) <= room):
            line = self._head.popleft()
            room -= len(line)
            found.append(Raw(line))
        return found

    def end(self) -> None:
        """Nothing more will be heard; of what waits only the end can still be kept."""
        for voice in self._voices.values():
            voice.end(time.time())
            voice.lines.keep_last((self._head_room + TAIL_BYTES) // LEAST_BYTES)

    def close(self) -> None:
        """Nothing more will be taken: the last lines go behind the first."""
        if self._gap is not None:
            self._head.append(_encode(self._gap))
        self._head += [late.encoded for late in self._tail]
        self._tail.clear()

    def _add(self, line: LogLine) -> None:
        encoded = _encode(line)
        self._show(encoded)
        if self._head_room >= len(encoded):
            self._head_room -= len(encoded)
            self._head.append(encoded)
            return
        self._head_room = 0
        self._tail.append(_Late(encoded, line))
        self._tail_bytes += len(encoded)
        while self._tail_bytes > TAIL_BYTES:
            late = self._tail.popleft()
            self._tail_bytes -= len(late.encoded)
            self._leave_out(late)

    def _leave_out(self, late: _Late) -> None:
        before = 0 if self._gap is None or self._gap.left_out is UNSET else self._gap.left_out
        count = before + late.count
        self._gap = msgspec.structs.replace(
            late.last,
            level=Level.WARNING,
            text=_missing(count),
            fields=UNSET,
            left_out=count,
        )

    def _show(self, line: bytes) -> None:
        self._live.append(line)
        self._live_bytes += len(line)
        while len(self._live) > SHOWN_LINES or self._live_bytes > SHOWN_BYTES:
            self._live_bytes -= len(self._live.popleft())
            self._skipped += 1

    def _line(self, piece: Piece, stream: LineStream) -> LogLine:
        at, level = datetime.fromtimestamp(piece.at, UTC), LEVELS.get(stream, Level.INFO)
        step, text, fields = self._steps[piece.step], piece.text.decode(errors="replace"), UNSET
        if piece.lost:
            level, text = Level.WARNING, _missing(piece.lost)
        elif stream is LineStream.LOG and (remark := _remark(piece.text)) is not None:
            at, level, text, fields = remark.at, remark.level, remark.text, remark.fields
            step = remark.step
        elif piece.more:
            text = f"{text} … {piece.more} bytes left out"
        return LogLine(
            at=at,
            attempt=self._attempt,
            step=step,
            number=0,
            stream=stream,
            level=level,
            text=text,
            fields=fields,
            left_out=piece.lost or UNSET,
        )


def _remark(text: bytes) -> Remark | None:
    try:
        return _decode(text)
    except msgspec.DecodeError:
        return None


def _missing(count: int) -> str:
    return "1 line left out" if count == 1 else f"{count} lines left out"
