"""A frame as one file of another format."""

import csv
import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize("format_", ["csv", "json", "ndjson", "parquet"])
def test_long_integers_and_decimals_keep_every_digit(format_: str, run: Run) -> None:
    columns = {
        "whole": pl.Series([2**63 - 1, -(2**63), None]),
        "huge": pl.Series([2**100, -(2**100), None], dtype=pl.Int128),
        "exact": pl.Series([Decimal("12345678901234567890.123456789"), Decimal(0), None]),
    }

    exported(columns, format_, run)
    found = as_text(run.artifacts[f"export.{format_}"], format_)

    assert found["whole"] == ["9223372036854775807", "-9223372036854775808", None]
    assert found["huge"] == [str(2**100), str(-(2**100)), None]
    assert found["exact"][0] == "12345678901234567890.123456789"
    assert Decimal(found["exact"][1]) == 0


@pytest.mark.parametrize("format_", ["csv", "json", "ndjson"])
def test_days_times_and_spans_are_iso_8601(format_: str, run: Run) -> None:
    columns = {
        "day": [date(1, 1, 1), None],
        "at": [datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC), None],
        "time": [time(1, 2, 3, 4), None],
        "span": [timedelta(days=1, seconds=2), None],
    }

    exported(columns, format_, run)
    found = as_text(run.artifacts[f"export.{format_}"], format_)

    assert found["day"] == ["0001-01-01", None]
    assert datetime.fromisoformat(found["at"][0]) == columns["at"][0]
    assert time.fromisoformat(found["time"][0]) == columns["time"][0]
    assert found["span"] == ["P1DT2S", None]


def test_floats_that_are_no_numbers_are_named_in_csv(run: Run) -> None:
    data, _ = exported({"a": [math.nan, math.inf, -math.inf, 0.1]}, "csv", run)

    assert data.decode().split() == ["a", "NaN", "inf", "-inf", "0.1"]


@given(texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=20))
def test_no_cell_of_a_safe_file_is_a_formula(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        run = Run(Path(folder))

        params = Export("csv", safe=True)
        export(nw.from_native(pl.LazyFrame({"text": texts})), params, run)
        with run.artifacts["export.csv"].open(encoding="utf-8", newline="") as file:
            cells = [row[0] if row else "" for row in csv.reader(file)][1:]

    assert not any(cell.lstrip(" \0\n")[:1] in tuple("=+-@\t\r") for cell in cells)
    assert [cell in (text, f"'{text}") for cell, text in zip(cells, texts, strict=True)]


def as_text(path: Path, format_: str) -> dict[str, list[Any]]:
    """The columns of a file, each value as the text that stands for it."""
    if format_ == "parquet":
        frame = pl.read_parquet(path)
        return frame.with_columns(pl.all().cast(pl.String)).to_dict(as_series=False)
    if format_ == "csv":
        return pl.read_csv(path, infer_schema=False).to_dict(as_series=False)
    text = path.read_text(encoding="utf-8")
    read = partial(json.loads, parse_int=str)
    rows = read(text) if format_ == "json" else [read(line) for line in text.splitlines()]
    return {name: [row[name] for row in rows] for name in rows[0]}
