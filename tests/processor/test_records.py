"""Text to rows, and what becomes of bad ones."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill_contracts.datasets import Ingested
from tidemill_processor.run import DataError, Run

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]


def rejects(run: Run) -> list[dict[str, Any]]:
    lines = run.artifacts["rejects.ndjson"].read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


def test_bad_rows_are_set_aside_with_their_place(read: Read, run: Run) -> None:
    good = "".join(f"{n},x\n" for n in range(200))
    raw = "n,text\n" + good + 'short\n1,2,3\n4,"open\n' + good + '5,"a"b\n'

    frame, found = read(raw)
    rejected = rejects(run)

    assert (frame.height, found.rows, found.rejects) == (400, 400, 4)
    assert [(one["row"], one["code"], one["raw"]) for one in rejected] == [
        (201, "too_few_columns", "short"),
        (202, "too_many_columns", "1,2,3"),
        (203, "malformed_quote", '4,"open'),
        (404, "malformed_quote", '5,"a"b'),
    ]
    for one in rejected:
        assert raw.encode()[one["byte_offset"] :].startswith(one["raw"].encode())


def test_bad_lines_of_ndjson_are_set_aside(read: Read, run: Run) -> None:
    lines = [json.dumps({"a": n, "b": {"c": [n]}}) for n in range(100)]
    bad = ['{"a": ', "[1]", '{"a": "\\ud800"}']
    raw = "\n".join([*lines[:50], *bad, "", *lines[50:]])

    frame, found = read(raw)
    rejected = rejects(run)

    assert (found.format, found.rows, found.rejects) == ("ndjson", 100, 3)
    assert [one["code"] for one in rejected] == [
        "malformed_json",
        "not_an_object",
        "unpaired_surrogate",
    ]
    assert all(raw[one["byte_offset"] :].startswith(one["raw"]) for one in rejected)
    assert frame["b.c"][3].to_list() == [3]


def test_above_five_percent_of_bad_rows_the_file_is_refused(read: Read) -> None:
    good = "1,2\n" * 95

    _, found = read("a,b\n" + good + "bad\n" * 5)
    with pytest.raises(DataError, match="6 of 101 rows cannot be read; row 96: too_few_columns"):
        read("a,b\n" + good + "bad\n" * 6)

    assert found.rejects == 5


def test_more_than_ten_thousand_bad_rows_are_too_many_of_any_number(read: Read) -> None:
    raw = "a,b\n" + "1,2\n" * 250_000 + "bad\n" * 10_001

    with pytest.raises(DataError) as refused:
        read(raw)

    assert refused.value.code == "too_many_bad_rows"


def test_cells_may_hold_delimiters_quotes_and_lines(read: Read) -> None:
    raw = 'a,b\r\n"x, ""y""","line\r\nbreak"\r\n'

    frame, _ = read(raw)

    assert frame.rows() == [('x, "y"', "line\r\nbreak")]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(10**14), 10**14),
            st.floats(allow_nan=False),
            st.text(st.characters(codec="utf-8", exclude_characters="\0")).map("t{}".format),
            st.dates(),
        ),
        min_size=1,
        max_size=8,
    ),
    delimiter=st.sampled_from(",;\t|"),
)
def test_what_pythons_csv_writes_comes_back(
    rows: list[tuple[Any, ...]], delimiter: str, read: Read
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([("i", "f", "s", "d"), *rows])

    frame, found = read(text.getvalue())

    assert frame.rows() == rows
    assert found.delimiter == delimiter


def test_line_ends_may_be_those_of_an_old_mac(read: Read) -> None:
    raw = "a,b\r1,2\r3,4\r"

    frame, _ = read(raw)

    assert frame.rows() == [(1, 2), (3, 4)]


def test_a_single_object_is_one_row(read: Read) -> None:
    raw = '{\n  "a": 1,\n  "b": [1, 2]\n}\n'

    frame, found = read(raw)

    assert (frame.rows(), found.format) == ([(1, [1, 2])], "json")


def test_a_long_array_is_read_piece_by_piece(read: Read) -> None:
    rows = [{"n": n, "text": "é" * (n % 700)} for n in range(5_000)]

    frame, _ = read(json.dumps(rows, ensure_ascii=False, indent=1))

    assert frame.rows(named=True) == [row | {"text": row["text"] or ""} for row in rows]
