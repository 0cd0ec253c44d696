"""Weather: a dataset in, a dataset and a figure out."""

from typing import Annotated

import narwhals as nw
from msgspec import Meta, Struct

from tidemill_processor.registry import processor
from tidemill_processor.run import DataError, LazyFrame, Run


class WarmestDays(Struct, frozen=True, forbid_unknown_fields=True):
    """`column` holds temperatures; the days at or above their `share` quantile are the warmest."""

    column: str = "temperature"
    share: Annotated[float, Meta(ge=0, le=1)] = 0.9


@processor(engines=("polars", "dask"))
def warmest_days(frame: LazyFrame, params: WarmestDays, run: Run) -> tuple[LazyFrame, float | None]:
    """Keep the warmest days, and say from which temperature on a day is one."""
    if params.column not in frame.collect_schema().names():
        raise DataError(f"there is no column {params.column!r}", code="column_unknown")
    limit = run.quantiles(frame, [params.column], [params.share])[params.column][0]
    if limit is None:
        run.log("there is no temperature", level="warning")
        return frame.head(0), None
    run.stop_if_cancelled()
    return frame.filter(nw.col(params.column) >= limit), limit
