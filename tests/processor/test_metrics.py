"""Descriptive figures of columns, against the statistics module and pandas."""

import math
import statistics
from datetime import date
from typing import Any

import msgspec
import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vega_datasets import data

from tidemill_processor.processors.metrics import ComputeMetrics, Metrics, compute_metrics
from tidemill_processor.run import DataError, Run
from tidemill_processor.values import encode_value


def computed(columns: Any, run: Run, params: ComputeMetrics | None = None) -> Metrics:
    return compute_metrics(nw.from_native(pl.LazyFrame(columns)), params or ComputeMetrics(), run)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=50))
def test_it_agrees_with_the_statistics_module(values: list[int], run: Run) -> None:
    quartiles = statistics.quantiles(values, n=4, method="inclusive")

    found = computed({"a": values}, run).columns["a"]

    assert (found.count, found.min, found.max) == (len(values), min(values), max(values))
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-6)
    assert found.std == pytest.approx(statistics.stdev(values), rel=1e-9, abs=1e-6)
    assert found.quantiles is not None
    assert list(found.quantiles.values()) == pytest.approx(quartiles, rel=1e-9, abs=1e-6)


def test_it_agrees_with_pandas_on_cars(run: Run) -> None:
    cars = pd.read_json(data.cars.filepath)
    numbers: Any = cars.select_dtypes("number")
    described = numbers.describe()

    found = computed({name: numbers[name].to_list() for name in numbers}, run)

    assert found.rows == len(cars)
    for name in numbers:
        metrics = found.columns[name]
        ours = [metrics.count, metrics.mean, metrics.std, metrics.min]
        assert ours == pytest.approx(described[name].iloc[:4].to_list())
        assert list((metrics.quantiles or {}).values()) == pytest.approx(
            described[name].iloc[4:7].to_list()
        )
        assert metrics.nulls + metrics.nans == int(numbers[name].isna().sum())


def test_a_small_spread_far_from_zero_is_not_lost(run: Run) -> None:
    values = [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]

    found = computed({"a": values}, run).columns["a"]

    assert found.std == pytest.approx(statistics.stdev(values), rel=1e-9)


def test_nan_is_counted_and_infinity_takes_part(run: Run) -> None:
    columns = {"a": [1.0, math.nan, None, math.inf]}

    found = computed(columns, run)
    encoded = msgspec.json.decode(encode_value(found))["columns"]["a"]

    assert (encoded["count"], encoded["nulls"], encoded["nans"]) == (2, 1, 1)
    assert (encoded["min"], encoded["max"], encoded["mean"], encoded["std"]) == (
        1.0,
        "Infinity",
        "Infinity",
        "NaN",
    )


def test_what_is_undefined_is_none(run: Run) -> None:
    columns = {"one": [5], "none": pl.Series([None], dtype=pl.Float64)}

    found = computed(columns, run).columns

    assert (found["one"].mean, found["one"].std) == (5.0, None)
    assert (found["none"].mean, found["none"].min, found["none"].std) == (None, None, None)


def test_other_types_have_what_they_can_have(run: Run) -> None:
    columns = {
        "day": [date(2024, 1, 2), date(2023, 1, 1)],
        "text": ["b", "a"],
        "flag": [True, None],
        "list": [[1], [2]],
        "large": [2**62, 2**62 + 1],
    }

    found = computed(columns, run).columns

    assert (found["day"].type, found["day"].min) == ("date", date(2023, 1, 1))
    assert (found["text"].type, found["text"].max, found["text"].quantiles) == ("string", "b", None)
    assert (found["flag"].type, found["flag"].nulls, found["flag"].min) == ("bool", 1, None)
    assert (found["list"].type, found["list"].count) == ("list", 2)
    assert (found["large"].type, found["large"].max) == ("int64", 2**62 + 1)


def test_columns_and_quantiles_can_be_chosen(run: Run) -> None:
    columns = {"a": [1, 2, 3], "b": [1, 2, 3]}

    found = computed(columns, run, ComputeMetrics(["b"], (0.0, 0.125, 1.0)))

    assert set(found.columns) == {"b"}
    assert found.columns["b"].quantiles == {"0": 1.0, "0.125": 1.25, "1": 3.0}
    with pytest.raises(DataError, match="no column 'c'"):
        computed(columns, run, ComputeMetrics(["c"]))
