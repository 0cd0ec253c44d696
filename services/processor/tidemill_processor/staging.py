"""Rows as text in Parquet on disk, before anyone knows the types of their columns."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from tidemill_processor.formats import MAX_COLUMNS
from tidemill_processor.run import DataError

CELLS = 250_000

Kind = Literal["text", "string", "bool", "int", "float", "nested"]


class Staged(Struct, frozen=True):
    """What was written: the kinds of cells seen in each column, nulls left out."""

    files: list[Path]
    rows: int
    kinds: dict[str, set[Kind]]


class Staging:
    """Writes a file for each 250,000 cells, so memory stays flat however long the input is."""

    def __init__(self, folder: Path, columns: Iterable[str] = ()) -> None:
        self.rows = 0
        self._folder = folder
        self._files: list[Path] = []
        self._kinds: dict[str, set[Kind]] = {column: {"text"} for column in columns}
        self._check_width()
        self._cells: list[list[str]] = []
        self._objects: list[dict[str, str | None]] = []
        self._room = self._per_file()
        folder.mkdir(parents=True, exist_ok=True)

    def add_cells(self, cells: list[str]) -> None:
        """A row of CSV, as wide as the columns given at first."""
        self._cells.append(cells)
        self._added()

    def add_object(self, values: dict[str, Any]) -> None:
        """A row of JSON; columns not seen before are null in all earlier rows."""
        row: dict[str, str | None] = {}
        for column, value in values.items():
            kinds = self._kinds.get(column)
            if kinds is None:
                if "\0" in column:
                    raise DataError("a column's name holds a zero byte", code="column_name")
                kinds = self._kinds[column] = set()
                self._check_width()
            if value is None:
                continue
            kind, row[column] = _as_text(value)
            kinds.add(kind)
        self._objects.append(row)
        self._added()

    def close(self) -> Staged:
        """Write what is left."""
        if self._cells or self._objects or not self._files:
            self._write()
        return Staged(self._files, self.rows, self._kinds)

    def _added(self) -> None:
        self.rows += 1
        self._room -= 1
        if self._room <= 0:
            self._write()

    def _per_file(self) -> int:
        return max(1_000, CELLS // max(1, len(self._kinds)))

    def _check_width(self) -> None:
        if len(self._kinds) > MAX_COLUMNS:
            raise DataError(f"more than {MAX_COLUMNS} columns", code="too_many_columns")

    def _write(self) -> None:
        import polars as pl

        names = list(self._kinds)
        if self._objects or not self._cells:
            columns = [[row.get(name) for row in self._objects] for name in names]
        else:
            columns = [list(column) for column in zip(*self._cells, strict=True)]
        frame = pl.DataFrame(
            dict(zip(names, columns, strict=True)), dict.fromkeys(names, pl.String)
        )
        path = self._folder / f"{len(self._files):05}.parquet"
        frame.write_parquet(path, compression="lz4")
        self._files.append(path)
        self._cells, self._objects = [], []
        self._room = self._per_file()


def _as_text(value: Any) -> tuple[Kind, str]:
    match value:
        case str():
            return "string", value
        case bool():
            return "bool", "true" if value else "false"
        case int():
            return "int", str(value)
        case float():
            return "float", repr(value)
        case _:
            return "nested", json.dumps(value, ensure_ascii=False, separators=(",", ":"))
