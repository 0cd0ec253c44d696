"""Types of columns, from every value of the file."""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from tidemill_contracts.datasets import Ingested

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]


def types(found: Ingested) -> dict[str, str]:
    return {column.name: column.type for column in found.columns}


@pytest.mark.parametrize(
    ("cells", "type_", "expected"),
    [
        (["1", "-2", ""], "int64", [1, -2, None]),
        (["1", "2.5", "1e3"], "float64", [1.0, 2.5, 1000.0]),
        (["1", "NA", "3"], "int64", [1, None, 3]),
        (["x", "NA", "z"], "string", ["x", "NA", "z"]),
        (["007", "12", "13"], "string", ["007", "12", "13"]),
        (["1234567890123456", "1", "2"], "string", ["1234567890123456", "1", "2"]),
        (["123456789012345", "1", "2"], "int64", [123456789012345, 1, 2]),
        (["+49", "1", "2"], "string", ["+49", "1", "2"]),
        (["1e999", "1", "2"], "string", ["1e999", "1", "2"]),
        (["inf", "-inf", "1"], "float64", [math.inf, -math.inf, 1.0]),
        (["true", "FALSE", ""], "bool", [True, False, None]),
        (["", "", "NULL"], "null", [None, None, None]),
        (["2024-02-29", "2023-01-01", ""], "date", [date(2024, 2, 29), date(2023, 1, 1), None]),
        (["2023-02-29", "2023-01-01", ""], "string", ["2023-02-29", "2023-01-01", None]),
        (["Jan 1 2000", "Feb 29 2000", ""], "date", [date(2000, 1, 1), date(2000, 2, 29), None]),
        (
            ["2024-01-01", "2024-01-01 12:30", "2024/01/01T12:30:15.5"],
            "datetime",
            [
                datetime(2024, 1, 1),  # noqa: DTZ001 - the file names no zone
                datetime(2024, 1, 1, 12, 30),  # noqa: DTZ001 - nor here
                datetime(2024, 1, 1, 12, 30, 15, 500_000),  # noqa: DTZ001 - nor here
            ],
        ),
        (
            ["2024-01-01T12:00:00Z", "2024-01-01T12:00:00+02:00", ""],
            "datetime",
            [datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 10, tzinfo=UTC), None],
        ),
        (["2024-01-01 12:00:00.1234567", "a", "b"], "string", None),
        (["31/12/2023", "01/02/2024", ""], "date", [date(2023, 12, 31), date(2024, 2, 1), None]),
        (["12/31/2023", "01/02/2024", ""], "date", [date(2023, 12, 31), date(2024, 1, 2), None]),
        (["11/12/2023", "01/02/2024", "3/4/2024"], "string", None),
        (["31/12/2023", "12/31/2023", "1/1/2024"], "string", None),
        (["31.12.2023", "1.2.2024", ""], "date", [date(2023, 12, 31), date(2024, 2, 1), None]),
    ],
)
def test_types_come_from_all_values_and_lose_none(
    cells: list[str], type_: str, expected: list[Any] | None, read: Read
) -> None:
    raw = "row,value\n" + "".join(f'{row},"{cell}"\n' for row, cell in enumerate(cells))

    frame, found = read(raw)

    assert types(found)["value"] == type_
    assert frame["value"].to_list() == (expected or cells)


def test_a_late_value_decides_too(read: Read) -> None:
    raw = "n\n" + "1\n" * 20_000 + "x\n"

    frame, found = read(raw)

    assert (types(found), frame.height) == ({"n": "string"}, 20_001)


def test_jsons_own_types_stand(read: Read) -> None:
    rows = [
        {"i": 1, "f": 1, "s": "12", "mixed": 1, "big": 2**70, "day": "2024-01-01", "odd": 2**53},
        {"i": None, "f": 0.5, "s": "x", "mixed": "a", "big": 1, "late": True, "odd": 0.5},
    ]

    frame, found = read(json.dumps(rows))

    assert types(found) == {
        "i": "int64", "f": "float64", "s": "string", "mixed": "string", "big": "string",
        "day": "date", "odd": "string", "late": "bool",
    }  # fmt: skip
    assert frame["big"].to_list() == [str(2**70), "1"]
    assert frame["late"].to_list() == [None, True]
