"""Blocks of CSV that are read at once hold what the csv module reads line by line."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill_processor import blocks
from tidemill_processor.blocks import CsvBlocks, at_once
from tidemill_processor.formats import Dialect
from tidemill_processor.layout import Layout
from tidemill_processor.records import Flaw

NAMES = ["a", "b"]
LAYOUT = Layout(Dialect(",", '"'), NAMES, NAMES)
CELL = st.text('x1" ,\n', max_size=5)
RAW = st.text('x",\n\r', max_size=14)


def written(rows: list[list[str]], end: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue().encode()


def strictly(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@settings(max_examples=500)
@given(raw=st.lists(RAW, min_size=1, max_size=4))
def test_what_is_read_at_once_is_what_the_csv_module_reads(raw: list[str]) -> None:
    data = "\n".join(raw).encode()

    frame = at_once(LAYOUT, data)

    if frame is not None:
        assert [list(row) for row in frame.iter_rows()] == strictly(data)


@settings(max_examples=200)
@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=5),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_well_is_read_at_once(rows: list[list[str]], end: str) -> None:
    frame = at_once(LAYOUT, written(rows, end))

    assert frame is not None or rows.count(NAMES) or end == "\r\n"
    if frame is not None:
        assert [list(row) for row in frame.iter_rows()] == rows


def test_a_record_that_is_open_at_the_end_is_left_for_the_next_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [
        [str(number), 'he said "so"\nand went' if number % 3 else "left"] for number in range(9)
    ]
    data = written(rows, "\n")
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr(blocks, "Careful", None)

    found = list(CsvBlocks(io.BytesIO(data), LAYOUT, refuse))

    assert pl.concat([block.frame for block in found]).rows() == [tuple(row) for row in rows]
    assert [block.read_to for block in found][-1] == len(data)


def test_a_row_of_several_lines_is_blamed_whole() -> None:
    rows = [["1", "one\nline"], ["2", "x"], ["no\nnumber", 'a "b"'], ["4", "y"]]

    [block] = CsvBlocks(io.BytesIO(written(rows, "\n")), LAYOUT, refuse)

    assert block.blame(2, "cast", "a") == (
        3,
        Flaw(len(written(rows[:2], "\n")), "cast", '"no\nnumber","a ""b"""', "a"),
    )


def refuse(row: int, flaw: Flaw) -> None:
    raise AssertionError(f"row {row} is good: {flaw}")
