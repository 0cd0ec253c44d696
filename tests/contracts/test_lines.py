"""Lines as people read them."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.lines import Level, LineStream, LogLine, plain

AT = "03:40:00.000"


def a_line(text: str, *, level: Level = Level.INFO, **fields: Any) -> LogLine:
    return LogLine(
        at=datetime(2026, 11, 22, tzinfo=UTC),
        attempt=1,
        step="add",
        number=1,
        stream=LineStream.LOG,
        level=level,
        text=text,
        fields=fields,
    )


def test_a_line_shows_when_where_and_what() -> None:
    line = a_line("counted", level=Level.WARNING, rows=3, name="x")

    assert plain(line, AT) == f"{AT}  add  warning: counted  rows=3  name=x"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31mred", r"\x9b31mred"),
        ("over\rwritten", r"over\rwritten"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("nul\0 del\x7f bell\a", r"nul\x00 del\x7f bell\x07"),
        ("tab\tü 🌊", "tab\tü 🌊"),
    ],
)
def test_what_would_steer_a_terminal_is_spelled_out(text: str, seen: str) -> None:
    assert plain(a_line(text), AT) == f"{AT}  add  {seen}"


def test_a_second_line_cannot_pass_for_a_line_of_its_own() -> None:
    shown = plain(a_line("one\n03:40:01.000  pay  done"), AT)

    assert shown.splitlines() == [f"{AT}  add  one", "    | 03:40:01.000  pay  done"]


@given(st.text(), st.text())
def test_no_control_character_but_tab_and_newline_is_left(text: str, value: str) -> None:
    shown = plain(a_line(text, value=value), AT)

    left = [char for char in shown if unicodedata.category(char) == "Cc"]
    assert set(left) <= set("\t\n")
