"""Choice of rows and columns."""

import functools
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import narwhals as nw
from msgspec import Meta, Struct

from tidemill_processor.columns import ColumnNames, require, type_name
from tidemill_processor.registry import processor
from tidemill_processor.run import DataError, LazyFrame

Plain = str | int | float | bool
Operator = Literal[
    "eq", "ne", "lt", "le", "gt", "ge", "in", "not_in",
    "contains", "starts_with", "ends_with", "is_null", "not_null",
]  # fmt: skip

COMPARISONS: dict[str, Callable[[nw.Expr, Any], nw.Expr]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "lt": lambda column, value: column < value,
    "le": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "ge": lambda column, value: column >= value,
    "in": lambda column, values: column.is_in(values),
    "not_in": lambda column, values: ~column.is_in(values),
    "contains": lambda column, value: column.str.contains(value, literal=True),
    "starts_with": lambda column, value: column.str.starts_with(value),
    "ends_with": lambda column, value: column.str.ends_with(value),
}
OF_STRINGS = ("contains", "starts_with", "ends_with")
OF_LISTS = ("in", "not_in")
WITHOUT_VALUE = ("is_null", "not_null")


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """`value` is a list for `in` and `not_in`, absent for `is_null` and `not_null`."""

    column: str
    op: Operator = "eq"
    value: Plain | list[Plain] | None = None

    def __post_init__(self) -> None:
        if (self.value is None) != (self.op in WITHOUT_VALUE):
            raise ValueError(f"`{self.op}` takes {'no' if self.op in WITHOUT_VALUE else 'a'} value")
        if isinstance(self.value, list) != (self.op in OF_LISTS):
            raise ValueError(
                f"`{self.op}` takes {'a list' if self.op in OF_LISTS else 'one value'}"
            )


class FilterRows(Struct, frozen=True, forbid_unknown_fields=True):
    """A row is kept if all conditions hold."""

    where: Annotated[list[Condition], Meta(min_length=1, max_length=100)]


class SelectColumns(Struct, frozen=True, forbid_unknown_fields=True):
    columns: ColumnNames


@processor(engines=("polars", "dask"))
def select_columns(frame: LazyFrame, params: SelectColumns) -> LazyFrame:
    """Keep the named columns, in the order given."""
    require(frame, params.columns)
    return frame.select(params.columns)


@processor(engines=("polars", "dask"))
def filter_rows(frame: LazyFrame, params: FilterRows) -> LazyFrame:
    """Keep the rows for which all conditions hold.

    A missing value (null or NaN) satisfies `is_null` and nothing else, not even `ne`. Dates and
    times are given as ISO 8601 strings, in UTC where the column has a zone and the value none.
    """
    schema = require(frame, list(dict.fromkeys(each.column for each in params.where)))
    return frame.filter(
        functools.reduce(
            lambda left, right: left & right,
            (_holds(each, schema[each.column]) for each in params.where),
        )
    )


def _holds(condition: Condition, dtype: Any) -> nw.Expr:
    column = nw.col(condition.column)
    missing = column.is_null()
    if dtype.is_float():
        missing = missing | column.is_nan().fill_null(value=False)
    if condition.op in WITHOUT_VALUE:
        return missing if condition.op == "is_null" else ~missing
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    read = [_read(condition, value, dtype) for value in values]
    compared = COMPARISONS[condition.op](column, read if condition.op in OF_LISTS else read[0])
    return ~missing & compared


def _read(condition: Condition, value: Any, dtype: Any) -> Any:
    """The value as the column's type has it; DataError if it cannot be one."""
    fits = condition.op not in OF_STRINGS or isinstance(dtype, nw.String)
    if fits and isinstance(dtype, nw.Boolean) and isinstance(value, bool):
        return value
    if fits and dtype.is_numeric() and isinstance(value, int | float) and type(value) is not bool:
        return value
    if fits and isinstance(value, str):
        if isinstance(dtype, nw.String):
            return value
        if isinstance(dtype, nw.Date | nw.Datetime):
            return _time(condition, value, dtype)
    raise DataError(
        f"{condition.column!r} is {type_name(dtype)}: `{condition.op}` cannot use {value!r}",
        code="value_does_not_fit",
    )


def _time(condition: Condition, value: str, dtype: nw.Date | nw.Datetime) -> date | datetime:
    try:
        if isinstance(dtype, nw.Date):
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise DataError(
            f"{condition.column!r}: {value!r} is no ISO 8601 {type_name(dtype)}",
            code="value_does_not_fit",
        ) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware if dtype.time_zone else aware.astimezone(UTC).replace(tzinfo=None)
