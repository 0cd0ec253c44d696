"""A frame as one file of another format."""

import json
import math
from datetime import UTC, date, datetime
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from tidemill_processor.processors.export import Export, Exported, export
from tidemill_processor.run import Run

COLUMNS: dict[str, Any] = {
    "id": [1, 2**62, None],
    "ratio": [0.1, 2.0, None],
    "text": ['a "quoted", one', "line\nbreak", "é€"],
    "day": [date(2024, 2, 29), None, date(1, 1, 1)],
    "at": [datetime(2024, 1, 1, 12, 30, tzinfo=UTC), None, None],
}


def exported(columns: dict[str, Any], format_: Any, run: Run) -> tuple[bytes, Exported]:
    found = export(nw.from_native(pl.LazyFrame(columns)), Export(format_), run)
    return run.artifacts[f"export.{format_}"].read_bytes(), found


def test_the_file_is_described(run: Run) -> None:
    data, found = exported(COLUMNS, "csv", run)

    assert found == Exported("export.csv", "text/csv; charset=utf-8", len(data))


@pytest.mark.parametrize("format_", ["json", "ndjson"])
def test_json_is_exact(format_: str, run: Run) -> None:
    data, _ = exported(COLUMNS, format_, run)

    rows = json.loads(data) if format_ == "json" else list(map(json.loads, data.splitlines()))

    assert [row["id"] for row in rows] == COLUMNS["id"]
    assert [row["ratio"] for row in rows] == COLUMNS["ratio"]
    assert [row["text"] for row in rows] == COLUMNS["text"]
    assert rows[0]["day"] == "2024-02-29"
    assert datetime.fromisoformat(rows[0]["at"]) == COLUMNS["at"][0]
    assert "T" in rows[0]["at"]


@pytest.mark.parametrize("format_", ["json", "ndjson"])
def test_nan_and_infinity_are_strings_in_json_and_null_is_null(format_: str, run: Run) -> None:
    columns = {
        "a": [1.5, math.nan, math.inf, -math.inf, None],
        "b": [[1.0], [math.nan], [], None, [2.0]],
    }

    data, _ = exported(columns, format_, run)
    rows = json.loads(data) if format_ == "json" else list(map(json.loads, data.splitlines()))

    assert [row["a"] for row in rows] == [1.5, "NaN", "Infinity", "-Infinity", None]
    assert [row["b"] for row in rows] == [[1.0], ["NaN"], [], None, [2.0]]


@pytest.mark.parametrize("rows", [0, 1])
def test_json_of_few_rows_is_an_array(rows: int, run: Run) -> None:
    columns = {"a": [1][:rows]}

    data, _ = exported(columns, "json", run)

    assert json.loads(data) == [{"a": 1}][:rows]


def test_pandas_reads_the_csv(run: Run) -> None:
    exported(COLUMNS | {"tags": [["x", "y"], [], None]}, "csv", run)

    frame: Any = pd.read_csv(run.artifacts["export.csv"], dtype={"id": "Int64"})

    assert frame["id"].to_list() == [1, 2**62, pd.NA]
    assert frame["text"].to_list() == COLUMNS["text"]
    assert frame["tags"].to_list()[:2] == ['["x","y"]', "[]"]
    assert frame["at"][0].startswith("2024-01-01T12:30:00")


def test_parquet_holds_the_same_frame(run: Run) -> None:
    exported(COLUMNS, "parquet", run)

    frame = pl.read_parquet(run.artifacts["export.parquet"])

    assert frame.equals(pl.DataFrame(COLUMNS))
