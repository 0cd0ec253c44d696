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
    """All rows as text; None where a quote, a blank line or a ragged row may be among them.

    Without quotes Polars refuses rows that are too long, and fills those that are too short with
    empty cells: only where the last cell of some row is empty may there be one.
    """
    if (
        not layout.native
        or layout.dialect.quote.encode() in data
        or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n"))
        or (not data.isascii() and MARK.encode() in data)
    ):
        return None
    frame = layout.parsed(data, None)
    if frame is None or _headed(layout, frame):
        return None
    doubtful = frame.width == 1 or (frame.to_series(-1) == "").any()
    return None if doubtful and _ragged(layout, data, frame.height) else frame


def _ragged(layout: Layout, data: bytes, rows: int) -> bool:
    """Whether some row is short or blank: a row has one cell more than delimiters, so where the sum
    is right, and no row is too long, each row is right.
    """
    width = len(layout.names)
    if width == 1:
        return bool(re.search(rb"(?:\A|\n)\r?(?:\n|\Z)", data.removesuffix(b"\n")))
    count = data.count(b"\n") + (not data.endswith(b"\n"))
    delimiters = data.count(layout.dialect.delimiter.encode())
    return rows != count or delimiters != count * (width - 1)


def _headed(layout: Layout, frame: "pl.DataFrame") -> bool:
    """Whether the header comes again."""
    if len(layout.header) < len(("a", "b")):
        return False
    again = frame.to_series(0) == layout.header[0]
    return bool(again.any()) and any(map(layout.repeats, frame.filter(again).iter_rows()))
