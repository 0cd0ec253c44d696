"""A frame that a job gave becomes a dataset."""

from tidemill_contracts.datasets import Column, Ingested
from tidemill_processor.columns import type_name
from tidemill_processor.profile import preview, profile
from tidemill_processor.registry import processor
from tidemill_processor.run import LazyFrame, Run
from tidemill_processor.values import encode_value


@processor(system=True, hidden=True)
def adopt(frame: LazyFrame, run: Run) -> tuple[LazyFrame, Ingested]:
    """Describe a frame as ingest does: profile.json and preview.json beside a copy of it."""
    types = {name: type_name(one) for name, one in frame.collect_schema().items()}
    run.stop_if_cancelled()
    figures = profile(frame.to_native(), types)
    run.artifact("profile.json").write_bytes(encode_value(figures))
    run.artifact("preview.json").write_bytes(encode_value(preview(frame.to_native())))
    columns = [Column(name=one.name, type=one.type, nulls=one.nulls) for one in figures.columns]
    return frame, Ingested(format="parquet", rows=figures.rows, columns=columns)
