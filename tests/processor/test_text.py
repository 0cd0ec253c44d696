"""Work on a single string."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_processor.processors.text import reverse_string


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("hello", "olleh"),
        ("cafe\u0301 noir", "rion e\u0301fac"),
        ("a\U0001f469\u200d\U0001f467b", "b\U0001f469\u200d\U0001f467a"),
        ("\U0001f44b\U0001f3fd!", "!\U0001f44b\U0001f3fd"),
        ("日本", "本日"),
    ],
)
def test_characters_change_places_and_stay_whole(value: str, expected: str) -> None:
    result = reverse_string(value)

    assert result == expected


@given(st.text(st.characters(codec="utf-8", exclude_categories=["M", "Cf", "Sk"])))
def test_without_marks_it_is_the_reverse_of_the_code_points(value: str) -> None:
    result = reverse_string(value)

    assert result == value[::-1]


@given(st.text())
def test_twice_gives_the_string_again_unless_it_begins_with_a_mark(value: str) -> None:
    again = reverse_string(reverse_string(value))

    assert sorted(again) == sorted(value)
    if value and not unicodedata.category(value[0]).startswith(("M", "C", "S")):
        assert again == value or "\u200d" in value
