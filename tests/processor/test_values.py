"""Values as JSON."""

import math
from datetime import date

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from tidemill_processor.values import encode_value

texts = st.text(st.characters(codec="utf-8"))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


class Pair(Struct):
    ratio: float
    day: date


@given(plain | st.floats(allow_nan=False, allow_infinity=False))
def test_what_json_can_say_comes_back_as_it_was(value: object) -> None:
    encoded = encode_value(value)

    assert msgspec.json.decode(encoded) == value


def test_nan_and_infinity_never_become_null() -> None:
    value = {"a": [math.nan, math.inf], "b": Pair(-math.inf, date(2024, 2, 29)), "c": None}

    encoded = encode_value(value)

    assert msgspec.json.decode(encoded) == {
        "a": ["NaN", "Infinity"],
        "b": {"ratio": "-Infinity", "day": "2024-02-29"},
        "c": None,
    }
    assert encode_value(math.nan) == b'"NaN"'
