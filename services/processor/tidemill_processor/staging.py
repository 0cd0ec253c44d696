"""Blocks on disk as they were read, and the one frame that they make in the end."""

import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidemill_processor.inference import Class, reading

if TYPE_CHECKING:
    import polars as pl

TEXT: tuple[Class, ...] = ("list", "string")
"""Classes that are staged as the text that was read."""


class Staging:
    """Writes a file for each block; what was written is forgotten by `clear`."""

    def __init__(self, folder: Path) -> None:
        self.rows = 0
        self._folder = folder
        self._files: list[tuple[Path, dict[str, Any]]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, frame: "pl.DataFrame") -> None:
        path = self._folder / f"{len(self._files):05}.parquet"
        frame.write_parquet(path, compression="lz4", statistics=False)
        self._files.append((path, dict(frame.schema)))
        self.rows += frame.height

    def clear(self) -> None:
        for path, _ in self._files:
            path.unlink()
        self._files, self.rows = [], 0

    def frame(
        self, classes: Mapping[str, Class], elements: Mapping[str, set[type]], *, text: bool
    ) -> "pl.LazyFrame":
        """All rows; `elements` are the types in lists, `text` says an empty string is no value."""
        import polars as pl

        types = {name: _type(one, elements.get(name, set())) for name, one in classes.items()}
        if not self._files:
            return pl.LazyFrame(schema=types)
        scans: list[pl.LazyFrame] = []
        for _, alike in groupby(self._files, key=lambda each: each[1]):
            group = list(alike)
            scan = pl.scan_parquet([path for path, _ in group], glob=False)
            columns = {
                name: pl.col(name) if name in group[0][1] else pl.lit(None) for name in types
            }
            scans.append(
                scan.select(
                    _final(column, types[name], text=text).alias(name)
                    for name, column in columns.items()
                )
            )
        return pl.concat(scans) if len(scans) > 1 else scans[0]


def loses(before: Class, after: Class) -> bool:
    """Whether what was staged as one class cannot become another."""
    if before == after or before in TEXT or before == "null":
        return False
    return after in TEXT


def _type(one: Class, elements: set[type]) -> "pl.DataType":
    import polars as pl

    if one in ("null", "missing"):
        return pl.String()
    if one != "list":
        return reading(pl.Series("a", [], pl.String), one).dtype
    if elements == {bool}:
        return pl.List(pl.Boolean())
    if elements and elements <= {int, float}:
        return pl.List(pl.Int64() if elements == {int} else pl.Float64())
    return pl.List(pl.String())


def _final(column: "pl.Expr", wanted: "pl.DataType", *, text: bool) -> "pl.Expr":
    import polars as pl

    if isinstance(wanted, pl.List):
        return column.cast(pl.String).map_batches(
            lambda cells: _lists(cells, wanted), return_dtype=wanted, is_elementwise=True
        )
    if wanted == pl.String and text:
        column = column.cast(pl.String)
        return pl.when(column != "").then(column)
    return column.cast(wanted)


def _lists(cells: "pl.Series", wanted: "pl.List") -> "pl.Series":
    """Lists out of JSON; among elements of several kinds each is text."""
    import polars as pl

    lists = [None if cell is None else json.loads(cell) for cell in cells]
    if wanted.inner == pl.String:
        lists = [each and [_text(one) for one in each] for each in lists]
    return pl.Series(cells.name, lists, wanted, strict=False)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
