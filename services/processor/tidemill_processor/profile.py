"""What a typed frame holds: figures for each column, and its first rows."""

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tidemill_contracts.datasets import Detected
from tidemill_processor.values import json_value

if TYPE_CHECKING:
    import polars as pl

BINS = 10
SAMPLED_ROWS = 100_000
SLICES = 4
HASHES = 2**18
"""How many hashes of a column are counted, about; their share tells of the rest."""
PREVIEW_ROWS = 100
COLUMNS_AT_ONCE = 50
SAFE_INTEGER = 2**53 - 1
SHOWN_CHARACTERS = 100
# no column that is read can have a zero byte in its name
FINITE = "\0finite "

type Spans = dict[str, tuple[float, float]]
"""The least and the greatest finite value of a column."""


class Histogram(Struct, frozen=True):
    """Equal bins between the least and the greatest finite value; `edges` is one longer."""

    edges: list[float]
    counts: list[int]


class ColumnProfile(Struct, frozen=True, kw_only=True):
    """Mean, std (ddof 1) and histogram are of the finite values; beyond some 100,000 `distinct` is
    an estimate, seldom off by more than two per cent.
    """

    name: str
    type: str
    nulls: int
    null_percent: float
    distinct: int | None = None
    nans: int = 0
    min: Any = None
    max: Any = None
    mean: float | None = None
    std: float | None = None
    histogram: Histogram | None = None


class Profile(Struct, frozen=True):
    """`detected` says how the file was read."""

    rows: int
    columns: list[ColumnProfile]
    detected: Detected | None = None


class Preview(Struct, frozen=True):
    """The first rows; integers that a browser would round are strings."""

    columns: list[str]
    rows: list[dict[str, Any]]


def profile(frame: "pl.LazyFrame", types: dict[str, str], spans: Spans | None = None) -> Profile:
    """One pass over the frame for each fifty columns, and one before where spans are unknown;
    `types` names the columns' types.
    """
    import polars as pl

    rows = frame.select(pl.len()).collect().item()
    schema = frame.collect_schema()
    columns: list[ColumnProfile] = []
    names = list(types)
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        batch = {name: schema[name] for name in names[start : start + COLUMNS_AT_ONCE]}
        known = spans_of(frame.select(*batch)) if spans is None else spans
        columns += _profiled(frame, batch, types, rows, known)
    return Profile(rows, columns)


def spans_of(frame: "pl.LazyFrame") -> Spans:
    """The least and the greatest finite value of each numeric column that has one."""
    schema = frame.collect_schema()
    names = [name for name, dtype in schema.items() if dtype.is_numeric()]
    figures = _figures(
        frame,
        {
            (name, figure): expression
            for name in names
            for figure, expression in (
                ("low", _finite(name, schema[name]).min()),
                ("high", _finite(name, schema[name]).max()),
            )
        },
    )
    return {
        name: (float(figures[name]["low"]), float(figures[name]["high"]))
        for name in names
        if figures[name]["low"] is not None
    }


def preview(frame: "pl.LazyFrame") -> Preview:
    first = frame.head(PREVIEW_ROWS).collect()
    return Preview(
        first.columns,
        [
            {name: _shown(value) for name, value in row.items()}
            for row in first.iter_rows(named=True)
        ],
    )


def _shown(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > SAFE_INTEGER:
        return str(value)
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if isinstance(value, dict):
        return {name: _shown(each) for name, each in value.items()}
    return json_value(value)


def _profiled(
    frame: "pl.LazyFrame",
    batch: dict[str, "pl.DataType"],
    types: dict[str, str],
    rows: int,
    spans: Spans,
) -> list[ColumnProfile]:
    spans = {name: spans[name] for name, dtype in batch.items() if _counts(name, dtype, spans)}
    shares = _shares(frame, batch, rows)
    wanted = {
        (name, figure): expression
        for name, dtype in batch.items()
        for figure, expression in _wanted(name, dtype, distinct=name not in shares)
    }
    edges = {name: _edges(span) for name, span in spans.items()}
    finite = [
        _finite(name, dtype).alias(FINITE + name)
        for name, dtype in batch.items()
        if dtype.is_numeric()
    ]
    wanted |= {
        (FINITE + name, figure): expression
        for name in edges
        for figure, expression in _below(name, edges[name])
    }
    figures = _figures(frame.select(*batch, *finite), wanted)
    for name, share in shares.items():
        present = rows - figures[name]["nulls"]
        figures[name]["distinct"] = min(round(_distinct(frame, name, share) / share), present)
    return [
        ColumnProfile(
            name=name,
            type=types[name],
            null_percent=round(100 * figures[name]["nulls"] / rows, 3) if rows else 0.0,
            histogram=_histogram(edges[name], figures[FINITE + name]) if name in edges else None,
            **{key: _cut(one) for key, one in figures[name].items()},
        )
        for name in batch
    ]


def _shares(frame: "pl.LazyFrame", batch: "dict[str, pl.DataType]", rows: int) -> dict[str, float]:
    """What share of each column's hashes is counted, by how much its values differ in a sample.

    As in a k-minimum-values sketch (Bar-Yossef et al., 2002) hashes below a bound are counted,
    which is fixed here; nothing is left out where few values differ, or rows are few.
    """
    import polars as pl

    if rows <= SAMPLED_ROWS:
        return {}
    size = SAMPLED_ROWS // SLICES
    slices = [frame.slice((rows - size) * each // (SLICES - 1), size) for each in range(SLICES)]
    names = [name for name, dtype in batch.items() if _differ(dtype)]
    found = pl.concat(slices).select(pl.col(names).drop_nulls().n_unique()).collect()
    expected = {name: found.item(0, name) / SAMPLED_ROWS * rows for name in names}
    return {name: min(1.0, HASHES / max(count, 1.0)) for name, count in expected.items()}


def _distinct(frame: "pl.LazyFrame", name: str, share: float) -> int:
    """How many hashes are in this share; beside other figures the column would be in memory."""
    import polars as pl

    hashes = frame.filter(pl.col(name).is_not_null()).select(pl.col(name).hash().alias("hash"))
    if share < 1:
        hashes = hashes.filter(pl.col("hash") < pl.lit(int(share * 2**64), dtype=pl.UInt64))
    return hashes.select(pl.col("hash").n_unique()).collect(engine="streaming").item()


def _figures(
    frame: "pl.LazyFrame", wanted: dict[tuple[str, str], "pl.Expr"]
) -> dict[str, dict[str, Any]]:
    """What each expression gives, by column and figure."""
    row = frame.select(
        expression.alias(str(index)) for index, expression in enumerate(wanted.values())
    ).collect(engine="streaming")
    figures: dict[str, dict[str, Any]] = {}
    for index, (name, figure) in enumerate(wanted):
        figures.setdefault(name, {})[figure] = row.item(0, str(index))
    return figures


def _differ(dtype: "pl.DataType") -> bool:
    """Whether there may be many different values, to be counted."""
    import polars as pl

    return not (dtype.is_nested() or isinstance(dtype, pl.Null | pl.Boolean))


def _wanted(name: str, dtype: "pl.DataType", *, distinct: bool) -> Iterable[tuple[str, "pl.Expr"]]:
    import polars as pl

    column = pl.col(name)
    yield "nulls", column.null_count()
    if dtype == pl.Boolean:
        yield "distinct", column.any().cast(pl.Int64) + (~column).any().cast(pl.Int64)
    if not _differ(dtype):
        return
    if distinct:
        yield "distinct", column.drop_nulls().n_unique()
    if dtype.is_float():
        yield "nans", column.is_nan().sum()
        column = column.fill_nan(None)
    if dtype.is_numeric() or dtype.is_temporal() or dtype == pl.String:
        yield "min", column.min()
        yield "max", column.max()
    if dtype.is_numeric():
        finite = pl.col(FINITE + name)
        yield "mean", finite.mean()
        yield "std", finite.std()


def _counts(name: str, dtype: "pl.DataType", spans: Spans) -> bool:
    return dtype.is_numeric() and name in spans


def _finite(name: str, dtype: "pl.DataType") -> "pl.Expr":
    import polars as pl

    value = pl.col(name).cast(pl.Float64)
    return value if dtype.is_integer() else pl.when(value.is_finite()).then(value)


def _edges(span: tuple[float, float]) -> list[float]:
    low, high = span
    width = high / BINS - low / BINS
    return [low + width * edge for edge in range(BINS)] + [high]


def _below(name: str, edges: list[float]) -> Iterable[tuple[str, "pl.Expr"]]:
    """How many finite values lie below each edge but the first; below the last one: all."""
    import polars as pl

    finite = pl.col(FINITE + name)
    for place, edge in enumerate(edges[1:-1]):
        yield str(place), (finite < edge).sum()
    yield "all", finite.count()


def _histogram(edges: list[float], below: dict[str, Any]) -> Histogram:
    """From how many values lie below each edge but the first, and how many there are."""
    return Histogram(edges, [more - less for less, more in pairwise([0, *below.values()])])


def _cut(value: Any) -> Any:
    return value[:SHOWN_CHARACTERS] if isinstance(value, str) else _shown(value)
