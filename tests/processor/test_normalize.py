"""Scaling of numeric columns, against numpy."""

import math
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill_processor.processors.normalize import Normalize, normalize
from tidemill_processor.run import DataError, Run

finite = st.floats(-1e6, 1e6, width=32)


def normalized(columns: dict[str, Any], params: Normalize, run: Run) -> dict[str, list[Any]]:
    frame = normalize(nw.from_native(pl.LazyFrame(columns)), params, run)
    return frame.collect().to_native().to_dict(as_series=False)


def by_numpy(values: list[float], method: str) -> list[float]:
    x = np.array(values)
    first, median, third = np.quantile(x, [0.25, 0.5, 0.75])
    center, scale = {
        "zscore": (x.mean(), x.std()),
        "minmax": (x.min(), x.max() - x.min()),
        "robust": (median, third - first),
    }[method]
    if x.min() == x.max():
        return [0.0] * len(values)
    return ((x - center) / (scale or 1.0)).tolist()


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(values=st.lists(finite, min_size=1, max_size=40))
def test_it_gives_what_numpy_gives(values: list[float], method: Any, run: Run) -> None:
    expected = by_numpy(values, method)

    found = normalized({"a": values}, Normalize(method), run)

    assert found["a"] == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust"])
def test_what_is_no_finite_number_stays_and_does_not_count(method: Any, run: Run) -> None:
    values = [1.0, None, 3.0, math.nan, math.inf, -math.inf, 8.0]

    found = normalized({"a": values}, Normalize(method), run)["a"]

    assert [found[0], found[2], found[6]] == pytest.approx(by_numpy([1.0, 3.0, 8.0], method))
    assert found[1] is None
    assert math.isnan(found[3])
    assert found[4:6] == [math.inf, -math.inf]


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust"])
def test_a_constant_column_becomes_zeros(method: Any, run: Run) -> None:
    columns = {"a": [0.1, 0.1, 0.1], "b": [7, None, 7], "c": pl.Series([None] * 3, dtype=pl.Int64)}

    found = normalized(columns, Normalize(method), run)

    assert found == {"a": [0.0, 0.0, 0.0], "b": [0.0, None, 0.0], "c": [None, None, None]}


def test_only_numbers_are_touched_and_only_those_named(run: Run) -> None:
    columns = {"a": [1, 2], "b": [1, 2], "text": ["x", "y"], "flag": [True, False]}

    found = normalized(columns, Normalize(columns=["b"]), run)

    assert found == columns | {"b": [-1.0, 1.0]}


@pytest.mark.parametrize(
    ("columns", "code"),
    [(["no"], "column_unknown"), (["text"], "column_not_numeric"), (["a", "a"], "column_repeated")],
)
def test_a_column_that_cannot_be_scaled_is_named(columns: list[str], code: str, run: Run) -> None:
    frame = {"a": [1], "text": ["x"]}

    with pytest.raises(DataError) as refused:
        normalized(frame, Normalize(columns=columns), run)

    assert refused.value.code == code


def test_values_beyond_what_floats_can_span_are_refused(run: Run) -> None:
    frame = {"a": [-1.7e308, 1.7e308]}

    with pytest.raises(DataError) as refused:
        normalized(frame, Normalize("minmax"), run)

    assert refused.value.code == "out_of_range"
