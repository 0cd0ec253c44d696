"""Detection of values that lie far from the others."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import narwhals as nw
from msgspec import Meta, Struct

from tidemill_processor.columns import ColumnNames, finite, moments, numbered, numeric_columns
from tidemill_processor.registry import processor
from tidemill_processor.run import LazyFrame, Run

LISTED = 20
FLAG, SCORE = "anomaly", "anomaly_score"
THRESHOLDS = {"zscore": 3.0, "mad": 3.5, "iqr": 1.5}


type Expressions = Mapping[str, nw.Expr]


class DetectAnomalies(Struct, frozen=True, forbid_unknown_fields=True):
    """`threshold`: 3 for zscore, 3.5 for mad, 1.5 for iqr unless given."""

    method: Literal["zscore", "mad", "iqr"] = "zscore"
    threshold: Annotated[float, Meta(gt=0)] | None = None
    columns: ColumnNames | None = None


class Anomaly(Struct, frozen=True):
    """One value; rows count from 1."""

    row: int
    column: str
    value: float
    score: float


class Anomalies(Struct, frozen=True):
    """`anomalies` counts rows, `columns` values by column; `first` lists at most 20 values."""

    method: str
    threshold: float
    rows: int
    anomalies: int
    columns: dict[str, int]
    first: list[Anomaly]


@processor
def detect_anomalies(
    frame: LazyFrame, params: DetectAnomalies, run: Run
) -> tuple[LazyFrame, Anomalies]:
    """Mark the rows that hold a value far from the others of its column, and list the first ones.

    Every row is passed on, with `anomaly` (bool) and `anomaly_score` (the largest of its columns).
    A value is an anomaly if its score is above the threshold:
    zscore: |x - mean| / std (ddof 0); mad: 0.6745 |x - median| / MAD, or where MAD is 0
    |x - median| / (1.253314 x mean absolute deviation from the median), Iglewicz & Hoaglin (1993);
    iqr: distance outside [Q1, Q3] in units of Q3 - Q1, Tukey (1977), where Q1 = Q3 makes every
    other value infinitely far. Only finite values make the statistics; an infinity is always an
    anomaly, null and NaN never are, and a constant column has none.
    """
    columns = numeric_columns(frame, params.columns, without=(FLAG, SCORE))
    threshold = params.threshold or THRESHOLDS[params.method]
    scores = {
        column: nw.when(~_value(column).is_nan()).then(score)
        for column, score in SCORES[params.method](frame, columns, run).items()
    }
    flags = {column: (score > threshold).fill_null(value=False) for column, score in scores.items()}
    return _marked(frame, scores, flags), Anomalies(
        method=params.method,
        threshold=threshold,
        first=_first(frame, scores, threshold),
        **_counted(frame, flags),
    )


def _zscore(frame: LazyFrame, columns: list[str], run: Run) -> Expressions:
    run.stop_if_cancelled()
    return {
        column: (_value(column) - (of.minimum if of.constant else of.mean)).abs()
        / (1.0 if of.constant else of.std)
        for column, of in moments(frame, columns).items()
    }


def _mad(frame: LazyFrame, columns: list[str], run: Run) -> Expressions:
    if not columns:
        return {}
    medians = run.quantiles(finite(frame, columns), columns, (0.5,))
    away = {column: (_value(column) - (medians[column][0] or 0.0)).abs() for column in columns}
    deviations = finite(frame, columns).with_columns(**away)
    mads = run.quantiles(deviations, columns, (0.5,))
    means = moments(deviations, columns)
    return {
        column: away[column]
        / ((mads[column][0] or 0.0) / 0.6745 or 1.253314 * means[column].mean or 1.0)
        for column in columns
    }


def _iqr(frame: LazyFrame, columns: list[str], run: Run) -> Expressions:
    quartiles = run.quantiles(finite(frame, columns), columns, (0.25, 0.75))
    scores: dict[str, nw.Expr] = {}
    for column, (first, third) in quartiles.items():
        low, high, value = first or 0.0, third or 0.0, _value(column)
        outside = nw.max_horizontal(low - value, value - high, nw.lit(0.0))
        boundless = nw.when(outside > 0).then(math.inf).otherwise(0.0)
        scores[column] = outside / (high - low) if high > low else boundless
    return scores


SCORES = {"zscore": _zscore, "mad": _mad, "iqr": _iqr}


def _value(column: str) -> nw.Expr:
    return nw.col(column).cast(nw.Float64())


def _marked(frame: LazyFrame, scores: Expressions, flags: Expressions) -> LazyFrame:
    if not scores:
        return frame.with_columns(
            nw.lit(value=False).alias(FLAG), nw.lit(None, nw.Float64()).alias(SCORE)
        )
    return frame.with_columns(
        nw.any_horizontal(*flags.values(), ignore_nulls=True).alias(FLAG),
        nw.max_horizontal(*scores.values()).alias(SCORE),
    )


def _counted(frame: LazyFrame, flags: Expressions) -> dict[str, Any]:
    count = {f"column.{name}": flag for name, flag in flags.items()}
    if flags:
        count["anomalies"] = nw.any_horizontal(*flags.values(), ignore_nulls=True)
    row = frame.select(
        nw.len().alias("rows"),
        *(flag.cast(nw.Int64()).sum().alias(name) for name, flag in count.items()),
    ).collect()
    return {
        "rows": row.item(0, "rows"),
        "anomalies": row.item(0, "anomalies") if flags else 0,
        "columns": {name: row.item(0, f"column.{name}") for name in flags},
    }


def _first(frame: LazyFrame, scores: Expressions, threshold: float) -> list[Anomaly]:
    if not scores:
        return []
    found = (
        numbered(frame, "row")
        .select(
            nw.col("row"),
            *(_value(column).alias(f"value.{column}") for column in scores),
            *(score.alias(f"score.{column}") for column, score in scores.items()),
        )
        .filter(
            nw.any_horizontal(
                *(nw.col(f"score.{c}") > threshold for c in scores), ignore_nulls=True
            )
        )
        .head(LISTED)
        .collect()
    )
    listed = [
        Anomaly(row["row"], column, row[f"value.{column}"], score)
        for row in found.iter_rows(named=True)
        for column in scores
        if (score := row[f"score.{column}"]) is not None and score > threshold
    ]
    return listed[:LISTED]
