"""Types that widen block by block until they hold every value of the file."""

from typing import TYPE_CHECKING

from tidemill_contracts.datasets import ColumnType, Contract, Decimal
from tidemill_processor.glance import glance
from tidemill_processor.inference import (
    PATTERNS,
    Class,
    Kind,
    classify,
    fits,
    join,
    lenient,
    pointed,
    reading,
    words,
)
from tidemill_processor.layout import Block
from tidemill_processor.rejects import Rejects
from tidemill_processor.run import DataError
from tidemill_processor.staging import TEXT, loses

if TYPE_CHECKING:
    import polars as pl

ASKED: dict[ColumnType, Class] = {
    "bool": "bool", "int64": "int", "float64": "float", "date": "iso_date",
    "date_dmy": "date_dmy", "date_mdy": "date_mdy", "datetime": "local", "string": "string",
}  # fmt: skip
TWELVE = 12
AT_ONCE = tuple(each for each in PATTERNS if each != "slashed")


class Unfit(Exception):
    """A column does not hold the type that was asked for; under `evolve` it may have another."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


class Widening:
    """The class of each column so far.

    Where a class widens so that what was read before is lost, as a number to text, `again` is set:
    the file is read once more then, with the classes that are known by the end. Only a file whose
    later blocks differ from its first ones is read twice.
    """

    def __init__(
        self,
        contract: Contract,
        asked: dict[str, ColumnType],
        rejects: Rejects,
        decimal: Decimal = ".",
    ) -> None:
        self.classes: dict[str, Class] = {}
        self.again = False
        self.nulled = 0
        self.rejects = rejects
        self._asked = asked
        self._contract = contract
        self._decimal = decimal
        self._settled = False
        self._above_twelve: dict[str, set[int]] = {}

    def settle(self, rejects: Rejects) -> None:
        """The whole file was seen, and will be again: days and months are told apart, or text."""
        self._settled, self.nulled, self.rejects = True, 0, rejects

    def finish(self) -> None:
        """All blocks were read once."""
        for name in [name for name, one in self.classes.items() if one == "slashed"]:
            places = self._above_twelve[name]
            known: tuple[Class, Class] = ("date_dmy", "date_mdy")
            self.classes[name] = known[min(places)] if len(places) == 1 else "string"
            self.again = True

    def check_columns(self, names: list[str]) -> None:
        """Whether the columns are those of the contract; `evolve` takes any."""
        if self._contract == "evolve":
            return
        if absent := [name for name in self._asked if name not in names]:
            raise DataError(
                f"the contract's columns {absent} are missing; there are {names}",
                code="contract_broken",
                columns=absent,
            )
        more = [name for name in names if name not in self._asked]
        if self._contract == "freeze" and more:
            raise DataError(
                f"the columns {more} are not in the contract", code="contract_broken", columns=more
            )

    def read(self, block: Block) -> "pl.DataFrame":
        """The block's rows with typed columns, without those that the contract refuses."""
        import polars as pl

        refused: dict[int, str] = {}
        frame: pl.DataFrame = block.frame
        columns: list[pl.Series] = []
        for cells in frame.get_columns():
            kinds = block.kinds[cells.name]
            if cells.name in self._asked:
                columns.append(self._as_asked(cells, block, refused))
            elif self._settled:
                columns.append(self._as_settled(cells, kinds))
            else:
                columns.append(self._widened(cells, kinds))
        typed = pl.DataFrame(columns)
        if not refused:
            return typed
        for index in sorted(refused):
            self.rejects.add(*block.blame(index, "cast", refused[index]))
        return typed.filter(~pl.int_range(typed.height, eager=True).is_in(list(refused)))

    def _widened(self, cells: "pl.Series", kinds: set[Kind]) -> "pl.Series":
        name, text = cells.name, kinds == {"text"}
        before = self.classes.get(name, "null")
        if before == "string":
            return cells
        spelt = self._spelt(cells)
        if text and (read := glance(spelt, before)) is not None:
            return read
        if text and before in AT_ONCE and fits(spelt, before, empty=True):
            read = reading(spelt, before)
            if read.null_count() == (spelt == "").sum() and not _boundless(spelt, read):
                return read
        said = words(spelt) if text else cells
        if text and (read := glance(said, before)) is not None:
            return read
        found = classify(said, kinds)
        if found == "null" and text and (cells != "").any():
            found = "missing"
        if found == "slashed":
            self._note_places(said)
        after = self.classes[name] = join(before, found)
        self.again = self.again or loses(before, after)
        if after in TEXT:
            return cells
        return said if found == "slashed" else reading(said, found)

    def _spelt(self, cells: "pl.Series") -> "pl.Series":
        """The cells with numbers as they are read."""
        return pointed(cells) if self._decimal == "," else cells

    def _as_settled(self, cells: "pl.Series", kinds: set[Kind]) -> "pl.Series":
        one = self.classes[cells.name]
        if one in TEXT:
            return cells
        return reading(words(self._spelt(cells)) if kinds == {"text"} else cells, one)

    def _note_places(self, said: "pl.Series") -> None:
        """Where a number above twelve stands, there stands the day."""
        import polars as pl

        seen = self._above_twelve.setdefault(said.name, set())
        numbers = said.str.extract_all("[0-9]+")
        for place in (0, 1):
            if (numbers.list.get(place, null_on_oob=True).cast(pl.Int64) > TWELVE).any():
                seen.add(place)

    def _as_asked(self, cells: "pl.Series", block: Block, refused: dict[int, str]) -> "pl.Series":
        asked = self._asked[cells.name]
        self.classes[cells.name] = ASKED[asked]
        if asked == "string":
            return cells
        text = block.kinds[cells.name] == {"text"}
        said = words(self._spelt(cells)) if text else cells
        read = lenient(said, asked)
        bad = (said.is_not_null() & read.is_null()).arg_true().to_list()
        if bad:
            self._mend(cells, bad, block, refused)
        return read

    def _mend(
        self, cells: "pl.Series", bad: list[int], block: Block, refused: dict[int, str]
    ) -> None:
        """Do with the values that are not of the type asked for what the contract says."""
        name = cells.name
        if self._contract == "evolve":
            raise Unfit(name)
        if self._contract == "freeze":
            row, _ = block.blame(bad[0], "cast", name)
            raise DataError(
                f"row {row}, column {name!r}: {cells[bad[0]]!r} is no {self._asked[name]},"
                " and the contract is `freeze`",
                code="contract_broken",
                row=row,
                column=name,
            )
        if self._contract == "quarantine_row":
            refused |= {index: name for index in bad if index not in refused}
            return
        self.nulled += len(bad)
        for index in bad:
            if not self.rejects.note(*block.blame(index, "cast_to_null", name)):
                return


def _boundless(cells: "pl.Series", read: "pl.Series") -> bool:
    """Whether a number is beyond all floats."""
    if not read.dtype.is_float():
        return False
    infinite = read.is_infinite()
    return bool(infinite.any()) and bool(cells.filter(infinite).str.contains("[0-9]").any())
