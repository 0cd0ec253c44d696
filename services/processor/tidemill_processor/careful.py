"""A block of CSV in which some lines need a look of their own."""

import csv
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from tidemill_processor.layout import MARK, Block, Layout, Tell
from tidemill_processor.records import LINE_BYTES, Flaw, csv_code, line_too_long

if TYPE_CHECKING:
    import polars as pl

GOOD, BLANK, TOO_FEW, TOO_MANY, MARKED, AGAIN, DOUBTFUL = range(7)
CODES = {
    TOO_FEW: "too_few_columns",
    TOO_MANY: "too_many_columns",
    MARKED: "byte_order_mark",
    AGAIN: "repeated_header",
}


class Open(Exception):
    """A record goes on behind the end of the block."""


class Careful:
    """Finds the good lines by their looks, reads doubtful records one by one, tells of the rest.

    After broken quoting reading goes on at the next line, so one stray quote costs one row.
    """

    def __init__(
        self, layout: Layout, data: bytes, *, row: int, offset: int, final: bool, tell: Tell
    ) -> None:
        self._layout = layout
        self._row = row
        self._offset = offset
        self._final = final
        self._tell = tell
        lines = data.removesuffix(b"\n").split(b"\n")
        if max(map(len, lines)) > LINE_BYTES:
            raise line_too_long(offset)
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=offset))
        self._starts[-1] = offset + len(data)
        self._lines = [line.decode() for line in lines]
        self._end = len(self._lines)
        self._no_rows: list[int] = []
        self._records: dict[int, list[str]] = {}

    def block(self) -> tuple[Block, int]:
        """The rows, and how many bytes they took: what is open at the end is left."""
        import polars as pl

        states = self._states()
        self._look(states.to_list(), (states != GOOD).arg_true().to_list())
        kept = (states == GOOD).head(self._end).arg_true().cast(pl.Int64)
        if self._no_rows:
            kept = kept.filter(~kept.is_in(self._no_rows))
        frame = self._parsed(kept.to_list())
        if self._records:
            order = kept.append(pl.Series(list(self._records), dtype=pl.Int64))
            frame = frame.vstack(self._layout.framed(list(self._records.values())))
            frame, kept = frame[order.arg_sort()], order.sort()
        places = kept.to_list()

        def blame(index: int, code: str, column: str | None) -> tuple[int, Flaw]:
            return self._flaw(places[index], code, column)

        kinds = self._layout.kinds()
        read_to = self._starts[self._end]
        rows = self._number(self._end) - 1
        return Block(frame, kinds, blame, read_to, rows), read_to - self._offset

    def _states(self) -> "pl.Series":
        """What each line is, as far as its looks tell."""
        import polars as pl

        if not self._layout.native:
            return pl.Series([BLANK if line in ("", "\r") else DOUBTFUL for line in self._lines])
        quote, delimiter = self._layout.dialect.quote, self._layout.dialect.delimiter
        q = f"\\x{{{ord(quote):x}}}"
        line = pl.col("line").str.strip_suffix("\r")
        quoted = line.str.contains(quote, literal=True)
        closed = line.str.contains(self._layout.record)
        bare = pl.when(quoted).then(line.str.replace_all(rf"{q}[^{q}]*{q}", "")).otherwise(line)
        width = bare.str.count_matches(delimiter, literal=True) + 1
        # blanks alone say nothing, unless they are a cell or part cells
        spaces = "" if delimiter.isspace() or len(self._layout.names) == 1 else " \t"
        state = (
            pl.when(line.str.strip_chars(spaces) == "").then(BLANK)
            .when(line.str.starts_with(MARK)).then(MARKED)
            .when((quoted & ~closed) | line.str.contains("\r", literal=True)).then(DOUBTFUL)
            .when(line.is_in(self._header())).then(AGAIN)
            .when(width < len(self._layout.names)).then(TOO_FEW)
            .when(width > len(self._layout.names)).then(TOO_MANY)
            .otherwise(GOOD)
        )  # fmt: skip
        return pl.DataFrame({"line": self._lines}).select(state.alias("state")).to_series()

    def _header(self) -> list[str]:
        header = self._layout.header
        return [self._layout.dialect.delimiter.join(header)] if len(header) > 1 else []

    def _look(self, states: list[int], odd: list[int]) -> None:
        """Go through the lines that are not simply good, in order."""
        position = 0
        for index in odd:
            if index < position:
                continue
            position = index + 1
            if states[index] == BLANK:
                self._no_rows.append(index)
            elif states[index] != DOUBTFUL:
                self._tell(*self._flaw(index, CODES[states[index]], None))
            else:
                try:
                    position = self._read(index)
                except Open:
                    self._end = index
                    return

    def _read(self, index: int) -> int:
        """Keep the record that begins at a line, or tell of it; answers where the next begins."""
        try:
            cells, taken = self._record(index)
        except csv.Error as error:
            self._tell(*self._flaw(index, csv_code(str(error)), None))
            return index + 1
        following = index + taken
        width = len(self._layout.names)
        if len(cells) == width and not self._layout.repeats(cells):
            self._records[index] = cells
        else:
            number, flaw = self._flaw(index, self._code(cells), None, taken)
            self._tell(number, flaw)
        self._no_rows.extend(range(index + 1, following))
        return following

    def _code(self, cells: list[str]) -> str:
        if self._layout.repeats(cells):
            return CODES[AGAIN]
        return CODES[TOO_FEW if len(cells) < len(self._layout.names) else TOO_MANY]

    def _record(self, index: int) -> tuple[list[str], int]:
        taken, size = 0, self._starts[-1] - self._starts[index]

        def feed() -> Iterator[str]:
            nonlocal taken
            for at in range(index, len(self._lines)):
                taken += 1
                yield self._lines[at] + "\n"
            if not self._final and size <= LINE_BYTES:
                raise Open

        dialect = self._layout.dialect
        reader = csv.reader(
            feed(), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True
        )
        return next(reader), taken

    def _parsed(self, kept: list[int]) -> "pl.DataFrame":
        lines = [self._lines[index] for index in kept]
        quote = self._layout.dialect.quote
        frame = self._layout.parsed("\n".join(lines).encode(), quote) if lines else None
        if frame is not None and frame.height == len(lines):
            return frame
        dialect = self._layout.dialect
        rows = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)
        return self._layout.framed(list(rows))

    def _number(self, index: int) -> int:
        """The number of the row that begins at a line; no rows are blank and continued lines."""
        return self._row + 1 + index - bisect_right(self._no_rows, index)

    def _flaw(self, index: int, code: str, column: str | None, taken: int = 1) -> tuple[int, Flaw]:
        raw = "\n".join(self._lines[index : index + taken]).rstrip("\r")
        return self._number(index), Flaw(self._starts[index], code, raw, column)
