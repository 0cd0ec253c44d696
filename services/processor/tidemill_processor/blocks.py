"""A CSV block by block: whole columns at once where all is well."""

import csv
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import IO, TYPE_CHECKING

from tidemill_processor.careful import Careful
from tidemill_processor.layout import MARK, Block, Layout, Tell
from tidemill_processor.records import LINE_BYTES, Flaw, line_too_long

if TYPE_CHECKING:
    import polars as pl

BLOCK = LINE_BYTES
BLANK = rb"(?:\A|\n)\r?(?:\n|\Z)"


class CsvBlocks:
    """Goes through the file from where it stands; every data row is in a block or told of."""

    def __init__(self, file: IO[bytes], layout: Layout, tell: Tell) -> None:
        self._file = file
        self._layout = layout
        self._tell = tell
        self._row = 0
        self._offset = file.tell()
        csv.field_size_limit(LINE_BYTES)

    def __iter__(self) -> Iterator[Block]:
        rest, final = b"", False
        while not final:
            # an open record that fills half a block needs more than the other half
            wanted = BLOCK - len(rest) if len(rest) < BLOCK // 2 else BLOCK
            more = self._file.read(wanted)
            data, final = rest + more, len(more) < wanted
            end = len(data) if final else data.rfind(b"\n") + 1
            if len(data) - end > LINE_BYTES:
                raise line_too_long(self._offset + end)
            rest = data
            if end:
                block, used = self._block(data if end == len(data) else data[:end], final=final)
                self._row, self._offset, rest = block.row, self._offset + used, data[used:]
                yield block

    def _block(self, data: bytes, *, final: bool) -> tuple[Block, int]:
        frame = at_once(self._layout, data) if len(data) <= BLOCK else None
        first, offset = self._row, self._offset
        if frame is None:
            careful = Careful(
                self._layout, data, row=first, offset=offset, final=final, tell=self._tell
            )
            return careful.block()
        lines: list[bytes] = []
        starts: list[int] = []

        def blame(index: int, code: str, column: str | None) -> tuple[int, Flaw]:
            if not lines:
                lines.extend(data.split(b"\n"))
                starts.extend(accumulate((len(line) + 1 for line in lines), initial=offset))
            raw = lines[index].decode().rstrip("\r")
            return first + index + 1, Flaw(starts[index], code, raw, column)

        kinds = self._layout.kinds()
        return Block(frame, kinds, blame, offset + len(data), first + frame.height), len(data)


def at_once(layout: Layout, data: bytes) -> "pl.DataFrame | None":
    """All rows as text; None where a stray quote, a blank line or a ragged row may be among them.

    Polars refuses rows that are too long, and fills those that are too short with empty cells.
    """
    if (
        not layout.native
        or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n"))
        or (not data.isascii() and MARK.encode() in data)
    ):
        return None
    quote = layout.dialect.quote
    quoted = quote.encode() in data
    frame = layout.parsed(data, quote if quoted else None)
    if frame is None or _headed(layout, frame):
        return None
    sound = _well_quoted if quoted else _not_ragged
    return frame if sound(layout, data, frame) else None


def _not_ragged(layout: Layout, data: bytes, frame: "pl.DataFrame") -> bool:
    """Whether no row is short or blank.

    Where none is, the last cell is seldom empty; else the sum of all delimiters tells, as no row
    is too long.
    """
    if frame.width == 1:
        return not re.search(BLANK, data.removesuffix(b"\n"))
    if not (frame.to_series(-1) == "").any():
        return True
    rows = data.count(b"\n") + (not data.endswith(b"\n"))
    delimiters = data.count(layout.dialect.delimiter.encode())
    return frame.height == rows and delimiters == rows * (frame.width - 1)


def _well_quoted(layout: Layout, data: bytes, frame: "pl.DataFrame") -> bool:
    """Whether quotes stand around cells and nowhere else, each record is a line, and no row is
    short: then cells, quotes, delimiters and ends of lines are all there is, to the byte.
    """
    quote = layout.dialect.quote
    lines = data.count(b"\n")
    if frame.height != lines + (not data.endswith(b"\n")):
        return False
    if frame.width == 1 and re.search(BLANK, data.removesuffix(b"\n")):
        return False
    text = 0
    for cells in frame.get_columns():
        if cells.str.contains(quote, literal=True).any():
            return False
        text += int(cells.str.len_bytes().sum())
    around = data.count(quote.encode()) + lines + data.count(b"\r")
    return len(data) == text + around + frame.height * (frame.width - 1)


def _headed(layout: Layout, frame: "pl.DataFrame") -> bool:
    """Whether the header comes again."""
    if len(layout.header) < len(("a", "b")):
        return False
    again = frame.to_series(0) == layout.header[0]
    return bool(again.any()) and any(map(layout.repeats, frame.filter(again).iter_rows()))
