"""Descriptive figures of columns."""

from typing import Annotated, Any

import narwhals as nw
from msgspec import Meta, Struct

from tidemill_processor.columns import ColumnNames, require, type_name
from tidemill_processor.registry import processor
from tidemill_processor.run import LazyFrame, Run

Quantile = Annotated[float, Meta(ge=0, le=1)]


class ComputeMetrics(Struct, frozen=True, forbid_unknown_fields=True):
    """`columns`: all unless named."""

    columns: ColumnNames | None = None
    quantiles: Annotated[tuple[Quantile, ...], Meta(max_length=100)] = (0.25, 0.5, 0.75)


class ColumnMetrics(Struct, frozen=True, kw_only=True):
    """`count` is of the values, neither null nor NaN; what has no value is None."""

    type: str
    count: int
    nulls: int
    nans: int
    min: Any = None
    max: Any = None
    mean: float | None = None
    std: float | None = None
    quantiles: dict[str, float | None] | None = None


class Metrics(Struct, frozen=True):
    rows: int
    columns: dict[str, ColumnMetrics]


@processor
def compute_metrics(frame: LazyFrame, params: ComputeMetrics, run: Run) -> Metrics:
    """Count, nulls, mean, standard deviation, minimum, maximum and quantiles of columns.

    Null and NaN are counted and else left out; infinities take part, so a mean may be "Infinity"
    and a deviation "NaN" (strings in JSON). std is that of a sample (ddof 1): None below two
    values. Quantiles are exact and interpolated linearly. Dates, times and strings have only
    counts, minimum and maximum; other types counts.
    """
    schema = require(frame, params.columns or ())
    columns = params.columns or schema.names()
    wanted = {column: _expressions(column, schema[column]) for column in columns}
    row = frame.select(
        nw.len().alias("rows"),
        *(
            expression.alias(f"{index}.{name}")
            for index, column in enumerate(columns)
            for name, expression in wanted[column].items()
        ),
    ).collect()
    numeric = [column for column in columns if schema[column].is_numeric()]
    quantiles = run.quantiles(frame, numeric, params.quantiles)
    return Metrics(
        rows=row.item(0, "rows"),
        columns={
            column: ColumnMetrics(
                type=type_name(schema[column]),
                quantiles=_named(params.quantiles, quantiles.get(column)),
                **{name: row.item(0, f"{index}.{name}") for name in wanted[column]},
            )
            for index, column in enumerate(columns)
        },
    )


def _expressions(column: str, dtype: Any) -> dict[str, nw.Expr]:
    value = nw.col(column)
    nulls, nans = value.null_count(), nw.lit(0)
    if dtype.is_float():
        nans = value.is_nan().cast(nw.Int64()).sum()
        value = nw.when(~value.is_nan()).then(value)
    found = {"count": value.count(), "nulls": nulls, "nans": nans}
    if dtype.is_numeric() or dtype.is_temporal() or isinstance(dtype, nw.String):
        found |= {"min": value.min(), "max": value.max()}
    if dtype.is_numeric():
        exact = value.cast(nw.Float64())
        found |= {"mean": exact.mean(), "std": exact.std(ddof=1)}
    return found


def _named(
    quantiles: tuple[float, ...], values: list[float | None] | None
) -> dict[str, float | None] | None:
    if values is None:
        return None
    return {f"{quantile:g}": value for quantile, value in zip(quantiles, values, strict=True)}
