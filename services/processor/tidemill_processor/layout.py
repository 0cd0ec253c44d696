"""How the lines of a CSV fall into rows, and the blocks of rows that are made of them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tidemill_processor.formats import Dialect
from tidemill_processor.inference import Kind
from tidemill_processor.records import Flaw

if TYPE_CHECKING:
    import polars as pl

MARK = "\ufeff"

type Tell = Callable[[int, Flaw], None]
"""Takes the number of a data row and what is wrong with it."""
type Blame = Callable[[int, str, str | None], tuple[int, Flaw]]
"""Makes of a row's index in its block, a code and a column its number and its flaw."""


class Block(Struct, frozen=True):
    """Rows as text, and of what kind each column's text is; `read_to` counts bytes."""

    frame: Any
    kinds: dict[str, set[Kind]]
    blame: Blame
    read_to: int
    row: int


class Layout(Struct, frozen=True):
    """The dialect, the columns' names and the cells of the header; no cells where there is none."""

    dialect: Dialect
    names: list[str]
    header: list[str]

    @property
    def native(self) -> bool:
        """Whether Polars can split it: it wants single bytes."""
        return len((self.dialect.delimiter + self.dialect.quote).encode()) == len(',"')

    @property
    def record(self) -> str:
        """The pattern of a record whose quotes stand around cells, or doubled within them."""
        q, d = (f"\\x{{{ord(one):x}}}" for one in (self.dialect.quote, self.dialect.delimiter))
        cell = rf"(?:[^{q}{d}\n]*|{q}(?:[^{q}]|{q}{q})*{q})"
        return rf"^{cell}(?:{d}{cell})*$"

    def kinds(self) -> dict[str, set[Kind]]:
        """All that CSV has is text."""
        return {name: {"text"} for name in self.names}

    def repeats(self, cells: Sequence[str]) -> bool:
        """Whether a row is the header once more, as in files that were joined."""
        return len(self.header) > 1 and list(cells) == self.header

    def whole_records(self, lines: bytes) -> bytes:
        """The lines without those of a record that is open at their end, as far as quotes tell."""
        quote = self.dialect.quote.encode()
        if lines.count(quote) % 2 == 0:
            return lines
        end = len(lines)
        while True:
            start = lines.rfind(b"\n", 0, end - 1) + 1
            if lines.count(quote, start, end) % 2:
                return lines[:start]
            end = start

    def parsed(self, data: bytes, quote: str | None) -> "pl.DataFrame | None":
        """The rows as text; None where Polars cannot read them."""
        return split(data, self.names, self.dialect.delimiter, quote)

    def framed(self, rows: list[list[str]]) -> "pl.DataFrame":
        import polars as pl

        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self.names)
        named = zip(self.names, columns, strict=True)
        return pl.DataFrame([pl.Series(name, cells, pl.String) for name, cells in named])


def split(
    data: bytes, names: list[str], delimiter: str, quote: str | None
) -> "pl.DataFrame | None":
    """Text cells without a header; None where Polars cannot read them."""
    import polars as pl

    schema = dict.fromkeys(names, pl.String)
    if not data:
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_csv(
            data,
            has_header=False,
            separator=delimiter,
            quote_char=quote,
            schema=schema,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        return None
