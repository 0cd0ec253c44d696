"""Scaling of numeric columns."""

import math
from typing import Literal

import narwhals as nw
from msgspec import Struct

from tidemill_processor.columns import ColumnNames, Moments, finite, moments, numeric_columns
from tidemill_processor.registry import processor
from tidemill_processor.run import DataError, LazyFrame, Run


class Normalize(Struct, frozen=True, forbid_unknown_fields=True):
    """`columns`: all numeric ones unless named."""

    method: Literal["zscore", "minmax", "robust"] = "zscore"
    columns: ColumnNames | None = None


@processor(engines=("polars", "dask"))
def normalize(frame: LazyFrame, params: Normalize, run: Run) -> LazyFrame:
    """Scale numeric columns to a common range; all other columns pass unchanged.

    zscore: (x - mean) / std, std of the population (ddof 0); minmax: (x - min) / (max - min);
    robust: (x - median) / (Q3 - Q1), quartiles interpolated linearly. The same as scikit-learn's
    StandardScaler, MinMaxScaler and RobustScaler: a divisor of 0 counts as 1, so a constant column
    becomes 0.0. Only finite values make the statistics; null, NaN and infinities stay what they
    are. Results are float64.
    """
    columns = numeric_columns(frame, params.columns)
    scales = _robust(frame, columns, run) if params.method == "robust" else {}
    for column, of in moments(frame, columns).items():
        if of.constant:
            scales[column] = (of.minimum, 1.0)
        elif params.method != "robust":
            scales[column] = _scale(of, params.method)
    return frame.with_columns(_scaled(column, *scales[column]) for column in columns)


def _scale(of: Moments, method: Literal["zscore", "minmax"]) -> tuple[float, float]:
    if method == "zscore":
        return of.mean, of.std
    return of.minimum, of.maximum - of.minimum


def _robust(frame: LazyFrame, columns: list[str], run: Run) -> dict[str, tuple[float, float]]:
    quartiles = run.quantiles(finite(frame, columns), columns, (0.25, 0.5, 0.75))
    return {
        column: (median or 0.0, (third or 0.0) - (first or 0.0))
        for column, (first, median, third) in quartiles.items()
    }


def _scaled(column: str, center: float, scale: float) -> nw.Expr:
    if not math.isfinite(center) or not math.isfinite(scale):
        raise DataError(f"the values of {column!r} are too far apart", code="out_of_range")
    return (nw.col(column).cast(nw.Float64()) - center) / (scale or 1.0)
