"""Cursors: opaque to clients, exact for us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.log import Cursor, read_cursor

cursors = st.builds(Cursor, st.integers(0, 2**31), st.integers(0, 2**63))


@given(cursors)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert read_cursor(str(cursor)) == cursor


@given(cursors, cursors)
def test_a_later_epoch_comes_after_every_position(one: Cursor, other: Cursor) -> None:
    assert (one < other) == ((one.epoch, one.position) < (other.epoch, other.position))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1",
        "1.",
        ".1",
        "1.2.3",
        "-1.2",
        "1.-2",
        "a.b",
        "1. 2",
        "\u0661.\u0662",
        "1." + "9" * 40,
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_cursor(text)


@given(st.text(max_size=50))
def test_any_text_is_a_cursor_or_a_value_error(text: str) -> None:
    try:
        read_cursor(text)
    except ValueError:
        return
    assert set(text) <= set("0123456789.")
