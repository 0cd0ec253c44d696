"""A remark is one line of JSON, whatever it is made of."""

import os
from typing import Any

import msgspec
import pytest

from tidemill_contracts.lines import MAX_LINE_BYTES, Level
from tidemill_processor.remarks import Remark, Remarks, encode

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


def decoded(line: bytes) -> Remark:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(line) <= MAX_LINE_BYTES
    return msgspec.json.decode(line, type=Remark)


def test_a_remark_keeps_its_text_and_fields() -> None:
    remark = decoded(encode("a", Level.ERROR, "two\nlines", {"rows": 3, "names": ["ü"]}))

    assert (remark.step, remark.level, remark.text) == ("a", Level.ERROR, "two\nlines")
    assert remark.fields == {"rows": 3, "names": ["ü"]}


@pytest.mark.parametrize(
    "value", [object(), {1j: 2}, CIRCLE, "\ud800", 10**400, {"\ud800": 1}], ids=lambda _: "value"
)
def test_what_json_does_not_know_is_shown_as_python_does(value: Any) -> None:
    remark = decoded(encode("a", Level.INFO, "odd", {"value": value}))

    assert isinstance(remark.fields, dict)
    assert remark.fields.keys() == {"value"}


def test_half_a_character_in_the_text_does_no_harm() -> None:
    assert decoded(encode("a", Level.INFO, "a\ud800b", {})).text == "a?b"


@pytest.mark.parametrize("text", ["x" * 10**6, "\0" * 10**5, "ü" * 10**5])
def test_a_long_text_is_cut(text: str) -> None:
    remark = decoded(encode("a", Level.INFO, text, {"gone": 1}))

    assert remark.text.startswith(text[:500])
    assert remark.text.endswith(" …")


def test_fields_that_do_not_fit_are_left_out_and_the_text_stays() -> None:
    remark = decoded(encode("a", Level.INFO, "large", {"value": "x" * 10_000}))

    assert remark.text == "large"
    assert isinstance(remark.fields, dict)
    assert remark.fields["left_out_bytes"] > 10_000


def test_it_is_in_the_pipe_as_soon_as_it_is_said() -> None:
    reading, writing = os.pipe()

    Remarks(writing).write("a", Level.INFO, "said", {})
    os.close(writing)

    with os.fdopen(reading, "rb") as pipe:
        assert decoded(pipe.read()).text == "said"
