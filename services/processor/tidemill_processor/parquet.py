"""Parquet that somebody else wrote: opened with care."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidemill_processor.footer import claims
from tidemill_processor.formats import MAX_COLUMNS
from tidemill_processor.readers import RATIO, Opened
from tidemill_processor.run import DataError

if TYPE_CHECKING:
    import polars as pl

CELL_BYTES = 8
SMALL = 1024**3


@contextmanager
def reading() -> Generator[None]:
    """Whatever Polars cannot read in here is the file's fault."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"broken Parquet: {error}", code="broken_parquet") from error


def open_parquet(opened: Opened) -> "pl.LazyFrame":
    """A lazy frame over the file; its footer alone decides whether that is wise."""
    import polars as pl

    claimed = claims(opened.path)
    if claimed.leaves > MAX_COLUMNS:
        raise DataError(f"more than {MAX_COLUMNS} columns", code="too_many_columns")
    most = max(RATIO * opened.size, SMALL)
    if max(claimed.unpacked, claimed.rows * claimed.leaves * CELL_BYTES) > most:
        raise DataError(
            f"it unpacks to more than {RATIO} times its size; upload fewer rows at once",
            code="compression_ratio",
        )
    if claimed.largest_group > SMALL:
        raise DataError(
            "a row group unpacks to more than 1 GiB; write the file with smaller ones, such as"
            " row_group_size=1_000_000",
            code="row_group_too_large",
        )
    frame = pl.scan_parquet(opened.path, glob=False)
    schema = frame.collect_schema()
    if not schema:
        raise DataError("it has no columns", code="empty_file")
    if any("\0" in name for name in schema):
        raise DataError("a column's name holds a zero byte", code="column_name")
    return frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
