"""What a glance at a column tells is what the patterns tell."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_processor.glance import glance
from tidemill_processor.inference import Class, fits, reading

KINDS: tuple[Class, ...] = ("int", "float", "bool", "iso_date", "local")
DIGITS = st.text("0123456789-+.eE", max_size=18)
ODD = st.sampled_from(
    ["", "007", "-0", "+5", "1e5", "inf", "-nan", ".5", "5.", "00.5", "-01", "1" * 16,
     "true", "False", "2024-02-30", "2024-01-31", "2024-01-31 10:20:30", "2024-01-31T10:20:30",
     "0", "0.5", "-7", " 1"]
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@given(cells=st.lists(DIGITS | ODD | st.integers().map(str) | st.floats().map(str), max_size=6))
def test_what_is_told_at_a_glance_is_what_the_pattern_says(kind: Class, cells: list[str]) -> None:
    text = pl.Series("a", cells, pl.String)

    told = glance(text, kind)

    if told is not None:
        assert fits(text, kind, empty=True)
        assert told.equals(reading(text, kind).set(text == "", None))


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("int", ["1", "", "-20", "0"]),
        ("float", ["1.5", "0.25", "-0.5", "", "3"]),
        ("bool", ["TRUE", "FALSE", ""]),
        ("iso_date", ["2024-02-29", ""]),
        ("local", ["2024-02-29T10:20:30", "2024-02-29T23:59:59"]),
    ],
)
def test_usual_cells_need_no_second_look(kind: Class, cells: list[str]) -> None:
    text = pl.Series("a", cells, pl.String)

    told = glance(text, kind)

    assert told is not None
    assert told.null_count() == cells.count("")
