"""Numbers that are written with a comma."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill_contracts.datasets import Ingested
from tidemill_processor.inference import fits, pointed, reading

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]

GROUPED = re.compile(r"\s*-?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]*)?\s*")
SWAPPED = str.maketrans(".,", ",.")


def alone(cell: str) -> pl.Series:
    return pl.Series("a", [cell], pl.String)


@given(number=st.decimals(-(10**14), 10**14, places=3))
def test_every_number_comes_back_with_and_without_grouped_thousands(number: Any) -> None:
    for form in (f"{number:f}", f"{number:,f}"):
        said = pointed(alone(form.translate(SWAPPED)))

        assert fits(said, "float")
        assert reading(said, "float")[0] == float(number)


@settings(max_examples=500)
@given(cell=st.text("017.,-+eE ", max_size=10))
def test_a_comma_makes_numbers_of_what_a_point_did_and_nothing_else(cell: str) -> None:
    bare = cell.replace(".", "") if GROUPED.fullmatch(cell) else cell.translate(SWAPPED)
    if "." in cell and "," not in cell and not GROUPED.fullmatch(cell):
        bare = "none"

    said = pointed(alone(cell)).str.strip_chars()

    assert fits(said, "float") == fits(alone(bare.strip()), "float")
    assert fits(said, "int") == fits(alone(bare.strip()), "int")


@pytest.mark.parametrize(
    "cell", ["31.12.2024", "1.2.2024", "2024-01-01 10:20:30.5", "NA", "true", "x,y", "v1.2", ""]
)
def test_what_is_no_number_stays_as_it_is(cell: str) -> None:
    assert pointed(alone(cell)).to_list() == [cell]


@pytest.mark.parametrize(
    ("cells", "type_", "expected"),
    [
        (["1.234,50", "12,5", "-3", ""], "float64", [1234.5, 12.5, -3.0, None]),
        (["1.234", "NA", " 5 "], "int64", [1234, None, 5]),
        (["1,5e3", "2"], "float64", [1500.0, 2.0]),
        (["12,5", "12.5"], "string", None),
        (["1,234.5", "1,5"], "string", None),
        (["0.123", "1,5"], "string", None),
        (["1.5e3", "1,5"], "string", None),
        (["007,5", "1,5"], "string", None),
        (["31.12.2024", "1.2.2024"], "date", ...),
    ],
)
def test_types_are_told_with_the_comma(
    cells: list[str], type_: str, expected: Any, read: Read
) -> None:
    raw = "row;value\n" + "".join(f"{row};{cell}\n" for row, cell in enumerate(cells))

    frame, found = read(raw, decimal=",")

    assert (found.columns[1].type, found.decimal) == (type_, ",")
    if expected is not ...:
        assert frame["value"].to_list() == (expected or cells)


def test_without_the_option_such_numbers_stay_text(read: Read) -> None:
    _, found = read("a;b\n1.234,50;12,5\n")

    assert [column.type for column in found.columns] == ["string", "string"]


def test_every_block_is_read_so_and_late_text_is_as_it_was_written(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill_processor.blocks.BLOCK", 64)
    numbers = ["1,5", "1.000,25", " 3", "NA", "4"] * 20
    texts = ["1,5", "2.000", "3"] * 33 + ["many"]
    raw = "n;t\n" + "".join(f"{n};{t}\n" for n, t in zip(numbers, texts, strict=True))

    frame, _ = read(raw, decimal=",")

    assert frame["n"].to_list() == [1.5, 1000.25, 3.0, None, 4.0] * 20
    assert frame["t"].to_list() == texts


def test_a_contract_reads_numbers_so_too(read: Read) -> None:
    said = {"decimal": ",", "types": {"n": "float64"}, "contract": "null_value"}

    frame, found = read("n;t\n1.234,5;x\n1.5;x\n0,5;x\n", **said)

    assert (frame["n"].to_list(), found.nulled) == ([1234.5, None, 0.5], 1)
