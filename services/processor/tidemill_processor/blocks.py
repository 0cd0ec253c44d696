"""A CSV block by block: whole columns at once where all is well."""

import csv
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import IO, TYPE_CHECKING

from tidemill_processor.careful import Careful
from tidemill_processor.layout import MARK, Block, Layout, Tell, split
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
        wanted, final = BLOCK, False
        while not final:
            self._file.seek(self._offset)
            data = self._file.read(wanted)
            final = len(data) < wanted
            end = len(data) if final else data.rfind(b"\n") + 1
            if len(data) - end > LINE_BYTES:
                raise line_too_long(self._offset + end)
            used = 0
            if end:
                block, used = self._block(data[:end], final=final)
                self._row, self._offset = block.row, self._offset + used
                yield block
            # an open record that fills half a block needs more than the other half
            left = len(data) - used
            wanted = BLOCK if left < BLOCK // 2 else left + BLOCK

    def _block(self, data: bytes, *, final: bool) -> tuple[Block, int]:
        whole = data if final else self._layout.whole_records(data)
        frame = at_once(self._layout, whole) if 0 < len(whole) <= BLOCK else None
        if frame is None:
            careful = Careful(
                self._layout,
                data,
                row=self._row,
                offset=self._offset,
                final=final,
                tell=self._tell,
            )
            return careful.block()
        places = Places(whole, frame, self._row, self._offset)
        read_to, row = self._offset + len(whole), self._row + frame.height
        return Block(frame, self._layout.kinds(), places.blame, read_to, row), len(whole)


class Places:
    """Where the rows of a block stand in the file, found out once somebody asks."""

    def __init__(self, data: bytes, frame: "pl.DataFrame", row: int, offset: int) -> None:
        self._data = data
        self._frame = frame
        self._row = row
        self._offset = offset

    def blame(self, index: int, code: str, column: str | None) -> tuple[int, Flaw]:
        begin, end = self._bounds[index : index + 2]
        raw = self._data[begin:end].decode().rstrip("\r\n")
        return self._row + index + 1, Flaw(self._offset + begin, code, raw, column)

    @cached_property
    def _bounds(self) -> list[int]:
        """Where each row begins, and where the last one ends."""
        lines = [0, *accumulate(len(line) + 1 for line in self._data.split(b"\n"))]
        return [lines[line] for line in accumulate(_lines(self._frame), initial=0)]


def at_once(layout: Layout, data: bytes) -> "pl.DataFrame | None":
    """All rows as text; None where a stray quote, a blank line or a ragged row may be among them.

    Polars refuses rows that are too long, but for the last where no line's end follows it, and
    fills those that are too short with empty cells.
    """
    if not data.endswith(b"\n"):
        data += b"\n"
    if (
        not layout.native
        or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n"))
        or (not data.isascii() and MARK.encode() in data)
    ):
        return None
    quote = layout.dialect.quote if layout.dialect.quote.encode() in data else None
    frame = layout.parsed(data, quote)
    if frame is None or _headed(layout, frame) or not _not_ragged(layout, data, frame):
        return None
    return frame if quote is None or _well_quoted(layout, data, frame) else None


def _not_ragged(layout: Layout, data: bytes, frame: "pl.DataFrame") -> bool:
    """Whether no row is short or blank.

    Where none is, the last cell is seldom empty; else the sum of all delimiters tells, as no row
    is too long.
    """
    if frame.width == 1:
        return not re.search(BLANK, data.removesuffix(b"\n"))
    if not (frame.to_series(-1) == "").any():
        return True
    delimiter, quote = layout.dialect.delimiter, layout.dialect.quote
    delimiters = data.count(delimiter.encode())
    if quote.encode() in data:
        columns = frame.get_columns()
        delimiters -= sum(
            int(each.str.count_matches(delimiter, literal=True).sum()) for each in columns
        )
    return delimiters == frame.height * (frame.width - 1)


def _well_quoted(layout: Layout, data: bytes, frame: "pl.DataFrame") -> bool:
    """Whether quotes stand around cells, or doubled within them, and nowhere else."""
    import polars as pl

    # no text that is read has a zero byte in it
    lines = split(data, ["line"], "\0", None)
    if lines is None:
        return False
    line, quote = pl.col("line"), layout.dialect.quote
    if lines.height == frame.height:
        records = lines.filter(line.str.contains(quote, literal=True))
    else:
        taken = _lines(frame)
        if taken.sum() != lines.height:
            return False
        rows = pl.int_range(frame.height, eager=True).repeat_by(taken).explode().alias("row")
        groups = lines.hstack([rows]).group_by("row", maintain_order=True).agg("line")
        records = groups.select(line.list.join("\n"))
    return records.to_series().str.strip_suffix("\r").str.contains(layout.record).all()


def _lines(frame: "pl.DataFrame") -> "pl.Series":
    """How many lines each row takes."""
    import polars as pl

    ends = pl.sum_horizontal(pl.col(pl.String).str.count_matches("\n", literal=True))
    return frame.select(ends + 1).to_series()


def _headed(layout: Layout, frame: "pl.DataFrame") -> bool:
    """Whether the header comes again."""
    if len(layout.header) < len(("a", "b")):
        return False
    again = frame.to_series(0) == layout.header[0]
    return bool(again.any()) and any(map(layout.repeats, frame.filter(again).iter_rows()))
