"""Large tables in a process of their own: how much memory that takes at most."""

import sys
from pathlib import Path

import pytest

from tests.bench import tables

GIB = 1024.0


def test_two_gigabytes_of_csv_need_less_than_one_of_memory(tmp_path: Path) -> None:
    source = tables.csv_of(tmp_path / "large.csv", 2_000_000_000)

    found = tables.apart("tidemill", "ingest", source, timeout_s=3_600)

    sys.stdout.write(f"2 GB of CSV: {found}\n")
    assert found["rss_mb"] <= GIB
    assert found["progress"] > 100


@pytest.mark.parametrize("work", ["normalize", "detect_anomalies"])
def test_fifty_million_rows_need_less_than_a_gigabyte_and_a_half(work: str, tmp_path: Path) -> None:
    source = tables.parquet_of(tmp_path / "large.parquet", 50_000_000)

    found = tables.apart("tidemill", work, source, timeout_s=3_600)

    sys.stdout.write(f"50 million rows, {work}: {found}\n")
    assert found["rss_mb"] <= 1.5 * GIB
