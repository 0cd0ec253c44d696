"""What processors may ask of a frame on Dask: that of which a test shows that Polars agrees."""

from functools import cache
from typing import Any

from tidemill_processor.run import DataError

COLUMNS = frozenset(
    {
        *("abs", "cast", "clip", "count", "fill_null", "is_finite", "is_in", "is_nan", "is_null"),
        *("len", "max", "mean", "min", "null_count", "round", "std", "sum", "var"),
    }
)
TEXTS = frozenset({"contains", "ends_with", "starts_with"})
FRAMES = frozenset({"drop", "filter", "rename", "select", "with_columns"})
FUNCTIONS = frozenset({"all_horizontal", "any_horizontal", "lit", "when_then"})
# of Narwhals' own making: names and columns, and parts of the above
_INNER_COLUMNS = frozenset(
    {
        *("alias", "broadcast", "clip_lower", "clip_upper"),
        *("from_column_indices", "from_column_names", "name", "str"),
    }
)
_INNER_FRAMES = frozenset(
    {
        *("aggregate", "collect", "collect_schema", "columns", "from_native"),
        *("native", "schema", "simple_select", "to_narwhals"),
    }
)
_INNER_FUNCTIONS = frozenset({"all", "col", "exclude", "from_native", "is_native", "len", "nth"})
_OPERATORS = frozenset({"__floordiv__", "__mod__", "__pow__", "__xor__"})


@cache
def refuse_all_else() -> None:
    """Make Narwhals' Dask backend refuse it, in this process, from now on."""
    from narwhals._dask.dataframe import DaskLazyFrame
    from narwhals._dask.expr import DaskExpr
    from narwhals._dask.expr_str import DaskExprStringNamespace
    from narwhals._dask.namespace import DaskNamespace

    for kind, allowed in (
        (DaskExpr, COLUMNS | _INNER_COLUMNS),
        (DaskExprStringNamespace, TEXTS | {"compliant"}),
        (DaskLazyFrame, FRAMES | _INNER_FRAMES),
        (DaskNamespace, FUNCTIONS | _INNER_FUNCTIONS | {"selectors"}),
    ):
        for name in {each for each in dir(kind) if not each.startswith("_")} - allowed:
            setattr(kind, name, _refusal(name, like=getattr(kind, name)))
    for name, told in (("is_finite", _is_finite), ("is_in", _is_in)):
        setattr(DaskExpr, name, told)
    for name in _OPERATORS:
        setattr(DaskExpr, name, _refusal(name))
        setattr(DaskExpr, name.replace("__", "__r", 1), _refusal(name))


def _is_finite(column: Any) -> Any:
    def ask(values: Any) -> Any:
        import dask.array as da

        return _null_where(values, da.isfinite(values))

    return column._with_callable(ask)  # noqa: SLF001 - Narwhals' way to make an expression


def _is_in(column: Any, other: Any) -> Any:
    def ask(values: Any) -> Any:
        return _null_where(values, values.isin(other))

    return column._with_callable(ask)  # noqa: SLF001 - likewise


def _null_where(values: Any, found: Any) -> Any:
    """Of a null nothing is known; Narwhals' own says on Dask that it is not so."""
    return found.astype("bool[pyarrow]").mask(values.isna())


def _refusal(name: str, like: Any = None) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise DataError(
            f"`{name.strip('_')}` may differ from Polars on Dask; order statistics come from"
            " run.quantiles, everything else from a queue with the engine polars",
            code="unsupported_on_dask",
        )

    return property(refuse) if isinstance(like, property) else refuse
