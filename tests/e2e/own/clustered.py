"""Processors for queues that a Dask cluster works for."""

import time
from typing import Any, Literal

import narwhals as nw
from msgspec import Struct

from tidemill_processor.registry import processor
from tidemill_processor.run import LazyFrame, Run

BOTH = ("polars", "dask")


class OrderStatistic(Struct, frozen=True, forbid_unknown_fields=True):
    operation: Literal["median", "quantile", "skew", "rank", "map_batches"]


@processor(engines=BOTH, hidden=True)
def order_statistic(frame: LazyFrame, params: OrderStatistic) -> int:
    """Ask Narwhals for what differs between engines."""
    column: Any = nw.col("ratio")
    match params.operation:
        case "quantile":
            asked = column.quantile(0.5, interpolation="linear")
        case "map_batches":
            asked = column.map_batches(_same)
        case name:
            asked = getattr(column, name)()
    return len(frame.select(asked).collect())


def _same(values: Any) -> Any:
    return values


@processor(engines=BOTH, hidden=True)
def exact_quantiles(frame: LazyFrame, run: Run) -> dict[str, list[float | None]]:
    """Measure where the values of two columns lie."""
    return run.quantiles(frame, ["id", "ratio", "same"], [0, 0.1, 0.5, 0.9, 0.999, 1])


@processor(engines=BOTH, hidden=True)
def slow_rows(frame: LazyFrame, run: Run) -> LazyFrame:
    """Take a second for each part, where a cluster does it."""

    def slowly(rows: Any) -> Any:
        time.sleep(60)
        return rows

    run.progress(0, 1)
    native: Any = frame.to_native()
    return nw.from_native(native.map_partitions(slowly, meta=native._meta))
