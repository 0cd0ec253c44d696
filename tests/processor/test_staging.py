"""Blocks that are split at once, and the parts that they become."""

import csv
import io
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidemill_contracts.datasets import Ingested
from tidemill_processor import frames
from tidemill_processor.blocks import at_once
from tidemill_processor.formats import Dialect
from tidemill_processor.layout import Layout
from tidemill_processor.run import Run

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]

LINE = st.lists(
    st.sampled_from(["a", "", '"a"', '"a,b"', '"', '""', 'a"b', '"a""b"', "é"]), max_size=4
)
LINES = st.lists(LINE.map(",".join), min_size=1, max_size=5).map("\n".join)


@given(text=LINES | st.text('a,"\n\r', max_size=20), width=st.integers(1, 3))
@example(text='"a"b,c\n"d,e\nf"', width=2)
@example(text='a,b\n"c\nd",e', width=2)
@settings(max_examples=500)
def test_what_is_split_at_once_is_what_a_careful_reader_finds(text: str, width: int) -> None:
    layout = Layout(Dialect(), [f"c{n}" for n in range(width)], [])

    frame = at_once(layout, text.encode()) if text else None

    if frame is not None:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert [list(row) for row in frame.iter_rows()] == rows


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few lines, parts of a few blocks."""
    monkeypatch.setattr("tidemill_processor.blocks.BLOCK", 40)
    monkeypatch.setattr("tidemill_processor.staging.PART_BYTES", 400)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("last", ["7", "7.5", "x"])
def test_parts_hold_all_rows_in_their_order_and_in_the_last_type(
    read: Read, run: Run, last: str
) -> None:
    rows = [f"{n},{'' if n < 100 else 'late'}" for n in range(300)]

    frame, found = read("n,note\n" + "\n".join([*rows, f"{last},z"]) + "\n")
    written, columns = frames.write(frame, run.scratch, run.parts)

    assert len(written) > 2
    assert sum(part.rows for part in written) == found.rows == 301
    assert columns == 2
    again = frames.scan([part.file for part in written]).collect().to_native()
    assert again.equals(frame)
    assert [str(each) for each in again["n"].head(300).cast(pl.Float64).cast(pl.Int64)] == [
        str(n) for n in range(300)
    ]
    assert again["note"].null_count() == 100


@pytest.mark.usefixtures("small")
def test_more_parts_than_an_event_may_name_become_one(
    read: Read, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill_processor.frames.MOST_PARTS", 2)
    frame, _ = read("n\n" + "\n".join(map(str, range(400))) + "\n")

    written, _ = frames.write(frame, run.scratch, run.parts)

    assert len(run.parts) > 2
    assert [part.rows for part in written] == [400]
