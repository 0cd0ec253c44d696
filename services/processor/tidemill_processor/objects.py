"""JSON objects to blocks of rows: nested objects become columns with dotted names."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tidemill_processor.formats import MAX_COLUMNS
from tidemill_processor.inference import EXACT, Kind
from tidemill_processor.layout import Block, Tell
from tidemill_processor.records import Flaw, Row
from tidemill_processor.run import DataError

CELLS = 250_000


class ObjectBlocks:
    """Collects rows until there are 250,000 cells, so memory stays flat."""

    def __init__(self, records: Iterable[Row | Flaw], depth: int, tell: Tell) -> None:
        self._records = records
        self._depth = depth
        self._tell = tell
        self._names: dict[str, None] = {}
        self.elements: dict[str, set[type]] = {}

    def __iter__(self) -> Iterator[Block]:
        number, rows, places, waiting = 0, list[dict[str, Any]](), list[tuple[int, int]](), 0
        for number, record in enumerate(self._records, start=1):
            if isinstance(record, Flaw):
                self._tell(number, record)
                continue
            offset, value = record
            row = self._flat(value)
            rows.append(row)
            places.append((number, offset))
            waiting += len(row) + 1
            if waiting >= CELLS:
                yield self._block(rows, places, number)
                rows, places, waiting = [], [], 0
        if rows:
            yield self._block(rows, places, number)

    def _flat(self, value: dict[str, Any]) -> dict[str, Any]:
        row = value
        if any(isinstance(each, dict) for each in value.values()):
            row = dict[str, Any]()
            _flatten(value, self._depth, "", row)
        if not row.keys() <= self._names.keys():
            self._names |= dict.fromkeys(row)
            if len(self._names) > MAX_COLUMNS:
                raise DataError(
                    f"more than {MAX_COLUMNS} columns; a smaller `depth` makes fewer",
                    code="too_many_columns",
                )
            if any("\0" in name for name in row):
                raise DataError("a column's name holds a zero byte", code="column_name")
        return row

    def _block(
        self, rows: list[dict[str, Any]], places: list[tuple[int, int]], number: int
    ) -> Block:
        import polars as pl

        kinds: dict[str, set[Kind]] = {}
        columns: list[pl.Series] = []
        for name in self._names:
            cells = [row.get(name) for row in rows]
            kinds[name] = {_kind(cell) for cell in set(map(type, cells)) - {type(None)}}
            if "list" in kinds[name]:
                self._note_elements(name, cells)
            texts = cells if kinds[name] <= {"string"} else list(map(_as_text, cells))
            columns.append(pl.Series(name, texts, pl.String))

        def blame(index: int, code: str, column: str | None) -> tuple[int, Flaw]:
            row, offset = places[index]
            return row, Flaw(offset, code, json.dumps(rows[index], ensure_ascii=False), column)

        return Block(pl.DataFrame(columns), kinds, blame, places[-1][1], number)

    def _note_elements(self, name: str, cells: list[Any]) -> None:
        """Which types are in a column's lists; integers that no float holds make them text."""
        seen = self.elements.setdefault(name, set())
        for cell in cells:
            if isinstance(cell, list):
                seen |= set(map(type, cell)) - {type(None)}
                if any(type(each) is int and abs(each) > EXACT for each in cell):
                    seen.add(str)


def _flatten(value: dict[str, Any], depth: int, prefix: str, row: dict[str, Any]) -> None:
    """An object below `depth` levels, or an empty one, stays one cell of JSON."""
    for key, each in value.items():
        name = f"{prefix}{key}"
        if isinstance(each, dict) and each and depth > 0:
            _flatten(each, depth - 1, f"{name}.", row)
            continue
        while name in row:
            name = f"{name}_2"
        row[name] = each


KINDS: dict[type, Kind] = {
    str: "string", bool: "bool", int: "int", float: "float", list: "list", dict: "nested",
}  # fmt: skip


def _kind(type_: type) -> Kind:
    return KINDS[type_]


def _as_text(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value)
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
