"""Frames in a child process: Parquet files in, Parquet files out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import narwhals as nw

from tidemill_processor.run import LazyFrame
from tidemill_processor.wire import MOST_PARTS, WrittenPart

_REFUSED = frozenset(
    {
        "ColumnNotFoundError",
        "DuplicateError",
        "InvalidOperationError",
        "SchemaError",
        "SchemaFieldNotFoundError",
        "ShapeError",
        "StructFieldNotFoundError",
        "UnsupportedDTypeError",
    }
)


def warm() -> None:
    """Import Polars and run a query, so that the first task need not wait for it."""
    import polars as pl

    pl.LazyFrame({"a": [0]}).select(pl.col("a").sum()).collect()


def scan(files: Sequence[str]) -> LazyFrame:
    """The rows of all files, in order."""
    import polars as pl

    return nw.from_native(pl.scan_parquet([Path(each) for each in files], glob=False))


def write(frame: Any, folder: Path, ready: Sequence[Path] = ()) -> tuple[list[WrittenPart], int]:
    """Stream a frame into Parquet; answers its parts and the number of its columns.

    Files that are `ready` hold it already; only too many of them are written into one.
    """
    import polars as pl

    files = list(ready)
    if not 0 < len(files) <= MOST_PARTS:
        files = [folder / ("whole.parquet" if files else "part-00000.parquet")]
        native: Any = nw.to_native(frame, pass_through=True).lazy()
        native.sink_parquet(files[0], compression="zstd", statistics=True)
    scans = [pl.scan_parquet(file, glob=False) for file in files]
    rows = [int(scan.select(pl.len()).collect().item()) for scan in scans]
    parts = [WrittenPart(str(file), count) for file, count in zip(files, rows, strict=True)]
    return parts, len(scans[0].collect_schema())


def refused(error: BaseException) -> bool:
    """Whether a frame engine says that its data do not fit what is asked of them."""
    module = type(error).__module__
    return module.startswith(("polars", "narwhals")) and type(error).__name__ in _REFUSED
