"""A tenth of what tests/proof does: files of tens of megabytes in flat memory."""

from pathlib import Path

import pytest

from tests.bench import tables


def test_a_csv_of_forty_megabytes_is_read_in_flat_memory(tmp_path: Path) -> None:
    source = tables.csv_of(tmp_path / "in.csv", 40_000_000)

    found = tables.apart("tidemill", "ingest", source, timeout_s=300)

    assert found["rss_mb"] < 500
    assert found["progress"] >= 5


@pytest.mark.parametrize("work", ["normalize", "detect_anomalies"])
def test_a_million_rows_are_worked_on_in_flat_memory(work: str, tmp_path: Path) -> None:
    source = tables.parquet_of(tmp_path / "in.parquet", 1_000_000)

    found = tables.apart("tidemill", work, source, timeout_s=300)

    assert found["rss_mb"] < 600
