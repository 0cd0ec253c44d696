"""The built-in processors against scipy, scikit-learn and pandas, and at the edges of numbers."""

import math
import warnings
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn import preprocessing
from sklearn.feature_extraction.text import TfidfVectorizer

from tidemill_processor.processors.anomalies import DetectAnomalies, detect_anomalies
from tidemill_processor.processors.metrics import ComputeMetrics, compute_metrics
from tidemill_processor.processors.normalize import Normalize, normalize
from tidemill_processor.processors.selection import Condition, FilterRows, filter_rows
from tidemill_processor.processors.tags import TagPosts, tag_posts
from tidemill_processor.run import Run

SEEDS = range(3)
SCALERS = {
    "zscore": preprocessing.StandardScaler,
    "minmax": preprocessing.MinMaxScaler,
    "robust": preprocessing.RobustScaler,
}
EDGES: dict[str, pl.Series] = {
    "constant": pl.Series([7.5] * 5),
    "nulls": pl.Series([None] * 5, dtype=pl.Float64),
    "nans": pl.Series([math.nan] * 5),
    "infinite": pl.Series([1.0, math.inf, -math.inf, math.nan, None]),
    "huge": pl.Series([2**62, 2**62 + 1, 2**62 + 2, None, -(2**62)]),
    "unsigned": pl.Series([0, 1, 2**64 - 1, None, 5], dtype=pl.UInt64),
    "small": pl.Series([1, 2, 3, None, 5], dtype=pl.Int8),
    "category": pl.Series(["a", "b", "a", None, "c"], dtype=pl.Categorical),
    "day": pl.Series(["2024-01-01"] * 5).str.to_date(),
    "flag": pl.Series([True, None, False, True, True]),
}


def lazy(frame: pl.DataFrame) -> Any:
    return nw.from_native(frame.lazy())


def numbers(seed: int) -> np.ndarray[Any, Any]:
    source = np.random.default_rng(seed)
    return np.concatenate([source.normal(size=500), source.standard_cauchy(size=50) * 10])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("method", list(SCALERS))
def test_normalize_scales_as_scikit_learn_does(method: Any, seed: int, run: Run) -> None:
    values = numbers(seed)

    found = normalize(lazy(pl.DataFrame({"x": values})), Normalize(method), run).collect()

    expected = SCALERS[method]().fit_transform(values.reshape(-1, 1)).ravel()
    assert found["x"].to_list() == pytest.approx(expected.tolist(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_zscores_and_mad_scores_are_those_of_scipy(seed: int, run: Run) -> None:
    values = numbers(seed)
    frame = pl.DataFrame({"x": values})

    z, _ = detect_anomalies(lazy(frame), DetectAnomalies("zscore"), run)
    mad, _ = detect_anomalies(lazy(frame), DetectAnomalies("mad"), run)

    away = np.abs(values - np.median(values))
    expected = 0.6745 * away / stats.median_abs_deviation(values)
    zscores = [abs(float(score)) for score in stats.zscore(values)]
    assert z.collect()["anomaly_score"].to_list() == pytest.approx(zscores, rel=1e-9)
    assert mad.collect()["anomaly_score"].to_list() == pytest.approx(expected.tolist(), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_tukeys_fences_are_those_of_pandas(seed: int, run: Run) -> None:
    values = pd.Series(numbers(seed))
    first, third = values.quantile([0.25, 0.75])
    reach = 1.5 * (third - first)

    marked, about = detect_anomalies(
        lazy(pl.DataFrame({"x": values.to_numpy()})), DetectAnomalies("iqr"), run
    )

    outside = (values < first - reach) | (values > third + reach)
    assert marked.collect()["anomaly"].to_list() == outside.tolist()
    assert about.anomalies == outside.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_metrics_are_those_of_pandas(seed: int, run: Run) -> None:
    values = pd.Series(numbers(seed))
    values[::7] = np.nan
    quantiles = (0.0, 0.01, 0.5, 0.99, 1.0)

    frame = lazy(pl.DataFrame({"x": values.to_numpy()}))
    found = compute_metrics(frame, ComputeMetrics(quantiles=quantiles), run).columns["x"]

    assert (found.count, found.nans) == (values.count(), values.isna().sum())
    expected = [values.mean(), values.std(), values.min(), values.max()]
    assert [found.mean, found.std, found.min, found.max] == pytest.approx(expected)
    assert found.quantiles is not None
    assert list(found.quantiles.values()) == pytest.approx(values.quantile(list(quantiles)))


def test_tags_are_those_of_scikit_learn() -> None:
    texts = [
        "tide mill tide water mill tide", "water wheel grinds corn", "corn and tide and corn",
        "the miller sleeps while water runs", "wheel wheel wheel tide",
    ]  # fmt: skip
    vectorizer = TfidfVectorizer(sublinear_tf=True, smooth_idf=True).set_params(norm=None)
    weights = vectorizer.fit_transform(texts).toarray()
    words = vectorizer.get_feature_names_out()

    found = tag_posts(lazy(pl.DataFrame({"text": texts})), TagPosts("text", top=3)).collect()

    for row, tags in zip(weights, found["tags"].to_list(), strict=True):
        weighed = [
            (-round(float(row[vectorizer.vocabulary_[word]]), 9), str(word)) for word in words
        ]
        assert tags == [word for weight, word in sorted(weighed) if weight < 0][:3]


@pytest.mark.parametrize("column", list(EDGES))
@pytest.mark.parametrize("method", ["zscore", "minmax", "robust"])
def test_normalize_loses_nothing_at_the_edges(column: str, method: Any, run: Run) -> None:
    frame = pl.DataFrame({column: EDGES[column]})

    found = normalize(lazy(frame), Normalize(method), run).collect().to_native()[column]

    given = EDGES[column]
    assert found.null_count() == given.null_count()
    if given.dtype.is_float():
        assert found.is_nan().sum() == given.is_nan().sum()
        assert found.is_infinite().sum() == given.is_infinite().sum()
    elif not given.dtype.is_numeric():
        assert found.to_list() == given.to_list()


@pytest.mark.parametrize("column", list(EDGES))
@pytest.mark.parametrize("method", ["zscore", "mad", "iqr"])
def test_anomalies_keep_every_row_at_the_edges(column: str, method: Any, run: Run) -> None:
    frame = pl.DataFrame({column: EDGES[column]})

    marked, about = detect_anomalies(lazy(frame), DetectAnomalies(method), run)

    found = marked.collect().to_native()
    assert found[column].equals(EDGES[column].alias(column), null_equal=True)
    assert (found.height, about.rows) == (5, 5)
    assert found["anomaly"].null_count() == 0


@pytest.mark.parametrize("column", list(EDGES))
def test_metrics_count_every_cell_at_the_edges(column: str, run: Run) -> None:
    frame = pl.DataFrame({column: EDGES[column]})

    found = compute_metrics(lazy(frame), ComputeMetrics(), run).columns[column]

    assert found.count + found.nulls + found.nans == 5


def test_integers_that_no_float_holds_stay_exact(run: Run) -> None:
    frame = pl.DataFrame({"n": [2**62, 2**62 + 1, 2**53 + 1]})

    metrics = compute_metrics(lazy(frame), ComputeMetrics(), run).columns["n"]
    kept = filter_rows(lazy(frame), FilterRows([Condition("n", "eq", 2**62 + 1)])).collect()

    assert (metrics.min, metrics.max) == (2**53 + 1, 2**62 + 1)
    assert kept["n"].to_list() == [2**62 + 1]


@pytest.mark.parametrize("rows", [0, 1])
def test_a_frame_of_no_row_or_one_is_a_frame(rows: int, run: Run) -> None:
    frame = pl.DataFrame({"x": [1.5], "n": [3], "s": ["a"]}).head(rows)

    for method in ("zscore", "minmax", "robust"):
        assert normalize(lazy(frame), Normalize(method), run).collect().shape == (rows, 3)
    for method in ("zscore", "mad", "iqr"):
        _, about = detect_anomalies(lazy(frame), DetectAnomalies(method), run)
        assert (about.rows, about.anomalies) == (rows, 0)
    assert compute_metrics(lazy(frame), ComputeMetrics(), run).rows == rows


def test_a_thousand_columns_are_scaled(run: Run) -> None:
    source = np.random.default_rng(1)
    values = source.normal(size=(20, 1_000))
    frame = pl.DataFrame(values, schema=[f"c{n}" for n in range(1_000)], orient="row")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = normalize(lazy(frame), Normalize("zscore"), run).collect().to_native()

    expected = preprocessing.StandardScaler().fit_transform(values)
    assert found.to_numpy() == pytest.approx(expected)
