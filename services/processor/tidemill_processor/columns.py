"""What processors ask of a frame's columns: which are numeric, and their moments."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

import narwhals as nw
from msgspec import Meta, Struct

from tidemill_processor.run import DataError, LazyFrame

ColumnNames = Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1)]


class Moments(Struct, frozen=True):
    """Of the finite values of a column; `std` divides by their number (ddof 0)."""

    count: int
    mean: float
    std: float
    minimum: float
    maximum: float

    @property
    def constant(self) -> bool:
        """Whether all values are the same, or there are none; `std` may differ by rounding."""
        return self.minimum == self.maximum


def require(frame: LazyFrame, columns: Sequence[str]) -> nw.Schema:
    """The schema of a frame that has all these columns, each asked for once."""
    schema = frame.collect_schema()
    if missing := [column for column in columns if column not in schema]:
        raise DataError(
            f"no column {', '.join(map(repr, missing))}; there are {', '.join(schema) or 'none'}",
            code="column_unknown",
            columns=missing,
        )
    if len(set(columns)) < len(columns):
        raise DataError("a column is named twice", code="column_repeated")
    return schema


def numeric_columns(
    frame: LazyFrame, columns: Sequence[str] | None, *, without: Collection[str] = ()
) -> list[str]:
    """The named columns, which must be numeric, or all numeric ones; booleans are not."""
    schema = require(frame, columns or ())
    if columns is None:
        return [
            each for each, type_ in schema.items() if type_.is_numeric() and each not in without
        ]
    if wrong := [column for column in columns if not schema[column].is_numeric()]:
        raise DataError(
            f"not numeric: {', '.join(map(repr, wrong))}",
            code="column_not_numeric",
            columns=wrong,
        )
    return list(columns)


def finite(frame: LazyFrame, columns: Sequence[str]) -> LazyFrame:
    """These columns alone, as floats; NaN and infinity are null."""
    return frame.select(_finite(column).alias(column) for column in columns)


def moments(frame: LazyFrame, columns: Sequence[str]) -> dict[str, Moments]:
    """The moments of each column, in one pass; a column without finite values has only zeros."""
    if not columns:
        return {}
    row = frame.select(
        expression.alias(f"{index}.{name}")
        for index, column in enumerate(columns)
        for name, expression in _moments(_finite(column)).items()
    ).collect()
    return {
        column: Moments(*(row.item(0, f"{index}.{name}") or 0 for name in _moments(nw.lit(0))))
        for index, column in enumerate(columns)
    }


def type_name(dtype: Any) -> str:
    """A column's type as users read it: bool, int64, float64, date, datetime, string …"""
    if isinstance(dtype, nw.Boolean):
        return "bool"
    return type(dtype).__name__.lower()


def _finite(column: str) -> nw.Expr:
    value = nw.col(column).cast(nw.Float64())
    return nw.when(value.is_finite()).then(value)


def _moments(value: nw.Expr) -> dict[str, nw.Expr]:
    return {
        "count": value.count(),
        "mean": value.mean(),
        "std": value.std(ddof=0),
        "minimum": value.min(),
        "maximum": value.max(),
    }


def numbered(frame: LazyFrame, name: str) -> LazyFrame:
    """The frame with a first column that counts its rows from 1."""
    native: Any = frame.to_native()
    return nw.from_native(native.with_row_index(name, offset=1))
