"""What is allowed on Dask gives what Polars gives; all else that Narwhals offers is refused."""
# pyright: reportPrivateImportUsage=false

import math
from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tidemill_processor import proven
from tidemill_processor.run import DataError, LazyFrame

ROWS = pl.DataFrame(
    {
        "i": [3, -1, None, 4, 0, 7, -5, None],
        "f": [0.5, None, -2.25, 1e6, 3.5, -0.5, 0.0, 2.5],
        "t": ["ab", "b", None, "", "abc", "Ab", "ba", "b"],
        "b": [True, None, False, True, False, True, None, False],
        "k": [4] * 8,
    }
)
SCHEMA = pa.schema([
    ("i", pa.int64()), ("f", pa.float64()), ("t", pa.string()), ("b", pa.bool_()),
    ("k", pa.int64()),
])  # fmt: skip
i, f, t, b, k = map(nw.col, SCHEMA.names)
both = (b, i > 0)

COLUMNS: dict[str, list[nw.Expr]] = {
    "abs": [i.abs(), f.abs()],
    "cast": [i.cast(nw.Float64()), f.cast(nw.Float32()), i.cast(nw.String())],
    "clip": [i.clip(0, 4), f.clip(lower_bound=-1.0), f.clip(upper_bound=1.0)],
    "count": [i.count(), t.count()],
    "fill_null": [i.fill_null(9), t.fill_null("x"), f.fill_null(0.5), b.fill_null(value=False)],
    "is_finite": [i.is_finite(), f.is_finite()],
    "is_in": [i.is_in([3, 4]), t.is_in(["b", ""]), f.is_in([0.5])],
    "is_nan": [f.is_nan()],
    "is_null": [i.is_null(), ~t.is_null()],
    "len": [i.len(), nw.len()],
    "max": [i.max(), f.max()],
    "mean": [i.mean(), f.mean(), b.mean()],
    "min": [i.min(), f.min()],
    "null_count": [i.null_count(), t.null_count()],
    "round": [f.round(1), f.round(0)],
    "std": [i.std(), f.std(ddof=0)],
    "sum": [i.sum(), f.sum(), b.sum()],
    "var": [i.var(), f.var(ddof=0)],
}
TEXTS: dict[str, list[nw.Expr]] = {
    "contains": [t.str.contains("^a"), t.str.contains("a.", literal=True)],
    "ends_with": [t.str.ends_with("b")],
    "starts_with": [t.str.starts_with("a")],
}
FUNCTIONS: dict[str, list[nw.Expr]] = {
    "all_horizontal": [nw.all_horizontal(*both, ignore_nulls=one) for one in (True, False)],
    "any_horizontal": [nw.any_horizontal(*both, ignore_nulls=one) for one in (True, False)],
    "lit": [nw.lit(5) + k],
    "when_then": [nw.when(f > 0).then(f), nw.when(f > 0).then(f).otherwise(nw.lit(-1.0))],
}
OPERATORS: dict[str, list[nw.Expr]] = {
    "arithmetic": [i + 1, 1 - i, i * f, i / 2, 1 / k, i / k, -i, f - f.mean(), i.max() - i],
    "comparison": [i > 0, i >= f, t == "b", t != "b", f < 0.5, f <= 0.5, t > "ab"],
    "logic": [b & (i > 0), b | (i > 0), ~b],
}
FRAMES: dict[str, Callable[[LazyFrame], LazyFrame]] = {
    "drop": lambda frame: frame.drop("i", "t"),
    "filter": lambda frame: frame.filter(i > 0, b),
    "rename": lambda frame: frame.rename({"i": "n"}),
    "select": lambda frame: frame.select(nw.exclude("t"), nw.nth(2), x=i + 1),
    "with_columns": lambda frame: frame.with_columns(i.alias("z"), k=f * 2),
}
REFUSED: dict[str, Callable[[LazyFrame], object]] = {
    "median": lambda frame: frame.select(i.median()),
    "quantile": lambda frame: frame.select(i.quantile(0.5, "linear")),
    "skew": lambda frame: frame.select(i.skew()),
    "kurtosis": lambda frame: frame.select(i.kurtosis()),
    "rank": lambda frame: frame.select(i.rank()),
    "map_batches": lambda frame: frame.select(i.map_batches(abs)),
    "n_unique": lambda frame: frame.select(i.n_unique()),
    "floordiv": lambda frame: frame.select(i // 2),
    "mod": lambda frame: frame.select(i % 2),
    "pow": lambda frame: frame.select(i**2),
    "to_uppercase": lambda frame: frame.select(t.str.to_uppercase()),
    "max_horizontal": lambda frame: frame.select(nw.max_horizontal(i, k)),
    "group_by": lambda frame: frame.group_by("k").agg(i.sum()),
    "sort": lambda frame: frame.sort("i"),
    "head": lambda frame: frame.head(1),
}

pytestmark = pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning")


@pytest.fixture(scope="module")
def there() -> LazyFrame:
    """The rows in three parts, as a cluster reads them; from here on it is refused what it is."""
    import dask.dataframe as dd

    proven.refuse_all_else()
    table = ROWS.to_arrow().cast(SCHEMA).to_pandas(types_mapper=pd.ArrowDtype)
    native: Any = dd.from_pandas(table, npartitions=3, sort=False)  # pyright: ignore[reportUnknownMemberType]
    return nw.from_native(native)


def rows(frame: LazyFrame) -> list[tuple[Any, ...]]:
    """All of it as Python has it, null for what pandas takes for missing."""
    import dask

    with dask.config.set({"scheduler": "synchronous", "dataframe.convert-string": False}):
        return frame.collect().to_polars().rows()


def agree(here: list[tuple[Any, ...]], there: list[tuple[Any, ...]]) -> bool:
    pairs = [(x, y) for a, b in zip(here, there, strict=True) for x, y in zip(a, b, strict=True)]
    return all(
        math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12)
        if isinstance(x, float) and isinstance(y, float)
        else (type(x), x) == (type(y), y)
        for x, y in pairs
    )


@pytest.mark.parametrize("name", [*COLUMNS, *TEXTS, *FUNCTIONS, *OPERATORS])
def test_what_is_allowed_on_columns_is_the_same(there: LazyFrame, name: str) -> None:
    here = nw.from_native(ROWS.lazy())

    for asked in (COLUMNS | TEXTS | FUNCTIONS | OPERATORS)[name]:
        expected, found = rows(here.select(out=asked)), rows(there.select(out=asked))

        assert agree(expected, found), (expected, found)


@pytest.mark.parametrize("name", FRAMES)
def test_what_is_allowed_on_frames_is_the_same(there: LazyFrame, name: str) -> None:
    here = nw.from_native(ROWS.lazy())

    expected, found = FRAMES[name](here), FRAMES[name](there)

    assert found.collect_schema().names() == expected.collect_schema().names()
    assert agree(rows(expected), rows(found))


def test_nothing_is_allowed_without_a_comparison() -> None:
    allowed = [proven.COLUMNS, proven.TEXTS, proven.FUNCTIONS, proven.FRAMES]

    assert [set(each) for each in (COLUMNS, TEXTS, FUNCTIONS, FRAMES)] == allowed


@pytest.mark.parametrize("name", REFUSED)
def test_all_else_is_refused_by_name(there: LazyFrame, name: str) -> None:
    with pytest.raises(DataError) as refused:
        REFUSED[name](there)

    assert refused.value.code == "unsupported_on_dask"
    assert f"`{name}`" in str(refused.value)
