"""What the processors' tests run on: the registry, a run in a folder of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tidemill_contracts.datasets import Ingested, IngestOptions
from tidemill_processor import registry
from tidemill_processor.processors.ingest import ingest
from tidemill_processor.registry import ProcessorSpec
from tidemill_processor.run import Run


@pytest.fixture(scope="session")
def specs() -> dict[str, ProcessorSpec]:
    """Every processor there is, by name."""
    return registry.load()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A first attempt."""
    return Run(tmp_path)


@pytest.fixture
def read(run: Run) -> Callable[..., tuple[pl.DataFrame, Ingested]]:
    """Ingest bytes (or text) and collect the frame."""

    def reading(raw: str | bytes, **params: Any) -> tuple[pl.DataFrame, Ingested]:
        run.source = run.scratch / "raw"
        run.source.write_bytes(raw.encode() if isinstance(raw, str) else raw)
        frame, found = ingest(IngestOptions(**params), run)
        return frame.collect().to_native(), found

    return reading
