"""Blocks on disk as they were read, and the Parquet parts that they make in the end."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tidemill_processor.inference import Class, reading
from tidemill_processor.profile import Spans, spans_of

if TYPE_CHECKING:
    import polars as pl

TEXT: tuple[Class, ...] = ("list", "string")
"""Classes that are staged as the text that was read."""
PART_BYTES = 64 * 1024 * 1024
LEVEL = 2
"""Of zstd: as small as the usual 3 on tables, for two thirds of the time."""


class Written(Struct, frozen=True):
    """A file of rows as they were typed so far; `size` is what they took in memory."""

    path: Path
    schema: dict[str, Any]
    size: int


class Staging:
    """Gathers blocks into Parquet parts; what was written is forgotten by `clear`.

    `text` says that an empty string is no value. In the end a part that holds the final types is
    kept as it is; only those that were written before a type widened are written again.
    """

    def __init__(self, folder: Path, *, text: bool) -> None:
        self.rows = 0
        self.spans: Spans = {}
        self._folder = folder
        self._text = text
        self._parts: list[Written] = []
        self._waiting: list[pl.DataFrame] = []
        self._size = 0
        (folder / "staged").mkdir(parents=True, exist_ok=True)

    def add(self, frame: "pl.DataFrame") -> None:
        if self._waiting and dict(frame.schema) != dict(self._waiting[0].schema):
            self._write()
        self._waiting.append(frame)
        self._size += int(frame.estimated_size())
        self.rows += frame.height
        if self._size >= PART_BYTES:
            self._write()

    def clear(self) -> None:
        for part in self._parts:
            part.path.unlink()
        self._parts, self._waiting, self._size, self.rows = [], [], 0, 0
        self.spans = {}

    def parts(self, classes: Mapping[str, Class], elements: Mapping[str, set[type]]) -> list[Path]:
        """Files that hold all rows in the final types; `elements` are the types in lists."""
        import polars as pl

        self._write()
        types = {name: _type(one, elements.get(name, set())) for name, one in classes.items()}
        found: list[Path] = []
        for group in _groups(self._parts, types):
            path = self._folder / f"part-{len(found):05}.parquet"
            if len(group) == 1 and _same(group[0].schema, types):
                group[0].path.rename(path)
            else:
                frames = [self._final(part, types) for part in group]
                frame = pl.concat(frames) if frames else pl.LazyFrame(schema=types)
                frame.sink_parquet(
                    path, compression="zstd", compression_level=LEVEL, statistics=True
                )
            found.append(path)
        return found

    def _write(self) -> None:
        import polars as pl

        if not self._waiting:
            return
        names = self._waiting[0].columns
        frame = pl.concat([each.select(names) for each in self._waiting])
        if self._text:
            texts = pl.col(pl.String)
            frame = frame.with_columns(pl.when(texts != "").then(texts).name.keep())
        path = self._folder / "staged" / f"{len(self._parts):05}.parquet"
        frame.write_parquet(path, compression="zstd", compression_level=LEVEL, statistics=True)
        self._widen(spans_of(frame.lazy()))
        self._parts.append(Written(path, dict(frame.schema), self._size))
        self._waiting, self._size = [], 0

    def _widen(self, spans: Spans) -> None:
        for name, (low, high) in spans.items():
            before = self.spans.get(name, (low, high))
            self.spans[name] = (min(before[0], low), max(before[1], high))

    def _final(self, part: "Written", types: "dict[str, pl.DataType]") -> "pl.LazyFrame":
        import polars as pl

        columns = {name: pl.col(name) if name in part.schema else pl.lit(None) for name in types}
        return pl.scan_parquet(part.path, glob=False).select(
            _cast(column, types[name]).alias(name) for name, column in columns.items()
        )


def _groups(parts: "list[Written]", types: "dict[str, pl.DataType]") -> "list[list[Written]]":
    """Neighbours that make a part together; one that is ready stays alone."""
    groups: list[list[Written]] = []
    room = 0
    for part in parts:
        ready = _same(part.schema, types)
        if ready or part.size > room:
            groups.append([])
            room = 0 if ready else PART_BYTES
        groups[-1].append(part)
        room -= part.size
    return groups or [[]]


def _same(schema: Mapping[str, Any], types: Mapping[str, Any]) -> bool:
    return list(schema.items()) == list(types.items())


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


def _cast(column: "pl.Expr", wanted: "pl.DataType") -> "pl.Expr":
    import polars as pl

    if isinstance(wanted, pl.List):
        return column.cast(pl.String).map_batches(
            lambda cells: _lists(cells, wanted), return_dtype=wanted, is_elementwise=True
        )
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
