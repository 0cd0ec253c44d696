"""Detection of values that lie far from the others, against numpy."""

import math
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from vega_datasets import data

from tidemill_processor.processors.anomalies import Anomalies, DetectAnomalies, detect_anomalies
from tidemill_processor.run import Run


def detected(
    columns: dict[str, Any], params: DetectAnomalies, run: Run
) -> tuple[pl.DataFrame, Anomalies]:
    frame, found = detect_anomalies(nw.from_native(pl.LazyFrame(columns)), params, run)
    return frame.collect().to_native(), found


def scores(x: Any, method: str) -> Any:
    """Written down from the definitions, without the product's code."""
    first, median, third = np.quantile(x, [0.25, 0.5, 0.75])
    away = np.abs(x - median)
    if method == "zscore":
        return np.abs(x - x.mean()) / x.std()
    if method == "mad":
        mad = np.median(away)
        return away / (mad / 0.6745 if mad else 1.253314 * away.mean())
    return np.maximum(np.maximum(first - x, x - third), 0) / (third - first)


@pytest.mark.parametrize(("method", "threshold"), [("zscore", 3.0), ("mad", 3.5), ("iqr", 1.5)])
def test_the_weather_of_seattle_has_the_anomalies_of_the_definition(
    method: Any, threshold: float, run: Run
) -> None:
    table = data.seattle_weather()
    weather = {name: table[name].to_list() for name in ("temp_max", "wind")}
    expected = {name: scores(np.array(values), method) for name, values in weather.items()}

    frame, found = detected(weather, DetectAnomalies(method), run)

    flags = np.any([each > threshold for each in expected.values()], axis=0)
    assert found.threshold == threshold
    assert found.rows == frame.height == len(flags)
    assert found.columns == {name: (each > threshold).sum() for name, each in expected.items()}
    assert frame["anomaly"].to_list() == flags.tolist()
    assert found.anomalies == flags.sum() > 0
    assert frame["anomaly_score"].to_list() == pytest.approx(
        np.max(list(expected.values()), axis=0).tolist()
    )
    assert found.first[0].row == 1 + flags.argmax()


def test_the_list_ends_after_twenty_and_counts_rows_from_one(run: Run) -> None:
    columns = {"a": [0.0] * 100 + [1000.0] * 5, "b": [0.0] * 100 + [-1000.0] * 25}
    columns["a"] += [0.0] * 20

    _, found = detected(columns, DetectAnomalies("iqr"), run)

    assert len(found.first) == 20
    assert [(one.row, one.column, one.value) for one in found.first[:3]] == [
        (101, "a", 1000.0),
        (101, "b", -1000.0),
        (102, "a", 1000.0),
    ]


@pytest.mark.parametrize("method", ["zscore", "mad", "iqr"])
def test_an_infinity_is_an_anomaly_and_what_is_missing_is_not(method: Any, run: Run) -> None:
    values = [1.0, 2.0, 3.0, None, math.nan, math.inf]

    frame, found = detected({"a": values}, DetectAnomalies(method), run)

    assert frame["anomaly"].to_list() == [False, False, False, False, False, True]
    assert frame["anomaly_score"].to_list()[3:] == [None, None, math.inf]
    assert found.columns == {"a": 1}


@pytest.mark.parametrize("method", ["zscore", "mad", "iqr"])
def test_a_constant_column_has_none(method: Any, run: Run) -> None:
    columns = {"a": [0.1] * 9, "b": pl.Series([None] * 9, dtype=pl.Float64)}

    frame, found = detected(columns, DetectAnomalies(method), run)

    assert not frame["anomaly"].any()
    assert (found.anomalies, found.first) == (0, [])


def test_a_frame_without_numbers_passes(run: Run) -> None:
    columns = {"text": ["a", "b"]}

    frame, found = detected(columns, DetectAnomalies(), run)

    assert frame["anomaly"].to_list() == [False, False]
    assert (found.rows, found.anomalies, found.columns) == (2, 0, {})


def test_a_second_detection_does_not_look_at_the_scores_of_the_first(run: Run) -> None:
    frame, _ = detect_anomalies(
        nw.from_native(pl.LazyFrame({"a": [1, 2, 3]})), DetectAnomalies(), run
    )

    _, found = detect_anomalies(frame, DetectAnomalies(), run)

    assert set(found.columns) == {"a"}
