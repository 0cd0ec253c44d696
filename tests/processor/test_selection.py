"""Choice of rows and columns."""

import math
from datetime import UTC, date, datetime
from typing import Any

import narwhals as nw
import polars as pl
import pytest

from tidemill_processor.processors.selection import (
    Condition,
    FilterRows,
    SelectColumns,
    filter_rows,
    select_columns,
)
from tidemill_processor.registry import ProcessorSpec
from tidemill_processor.run import DataError


def a_frame() -> Any:
    return nw.from_native(
        pl.LazyFrame(
            {
                "row": [1, 2, 3, 4, 5],
                "ratio": [0.5, math.nan, None, math.inf, -1.0],
                "text": ["rain", "sun", None, "a.b", "Rain"],
                "flag": [True, False, None, True, False],
                "day": [date(2024, 1, n) for n in range(1, 6)],
                "at": [datetime(2024, 1, n, tzinfo=UTC) for n in range(1, 6)],
            }
        )
    )


def kept(*where: Condition) -> list[int]:
    return filter_rows(a_frame(), FilterRows(list(where))).collect()["row"].to_list()


@pytest.mark.parametrize(
    ("column", "op", "value", "expected"),
    [
        ("row", "eq", 3, [3]),
        ("row", "ne", 3, [1, 2, 4, 5]),
        ("row", "lt", 2.5, [1, 2]),
        ("row", "in", [1, 5, 9], [1, 5]),
        ("row", "not_in", [1, 5, 9], [2, 3, 4]),
        ("ratio", "gt", 0, [1, 4]),
        ("ratio", "ne", 0.5, [4, 5]),
        ("ratio", "is_null", None, [2, 3]),
        ("ratio", "not_null", None, [1, 4, 5]),
        ("text", "eq", "rain", [1]),
        ("text", "ne", "rain", [2, 4, 5]),
        ("text", "contains", "ai", [1, 5]),
        ("text", "contains", ".", [4]),
        ("text", "starts_with", "R", [5]),
        ("text", "ends_with", "n", [1, 2, 5]),
        ("flag", "eq", True, [1, 4]),
        ("day", "ge", "2024-01-04", [4, 5]),
        ("at", "le", "2024-01-02", [1, 2]),
        ("at", "lt", "2024-01-02T01:00:00+02:00", [1]),
    ],
)
def test_a_row_is_kept_if_the_condition_holds(
    column: str, op: Any, value: Any, expected: list[int]
) -> None:
    condition = Condition(column, op, value)

    found = kept(condition)

    assert found == expected


def test_all_conditions_must_hold() -> None:
    where = [Condition("row", "gt", 1), Condition("flag", "eq", value=True)]

    found = kept(*where)

    assert found == [4]


@pytest.mark.parametrize(
    ("column", "op", "value"),
    [
        ("row", "eq", "3"),
        ("row", "contains", "3"),
        ("text", "gt", 1),
        ("flag", "eq", 1),
        ("row", "eq", True),
        ("day", "eq", "yesterday"),
    ],
)
def test_a_value_of_another_type_is_refused(column: str, op: Any, value: Any) -> None:
    condition = Condition(column, op, value)

    with pytest.raises(DataError) as refused:
        kept(condition)

    assert refused.value.code == "value_does_not_fit"


@pytest.mark.parametrize(
    "condition",
    [
        {"column": "row", "op": "eq"},
        {"column": "row", "op": "is_null", "value": 1},
        {"column": "row", "op": "in", "value": 1},
        {"column": "row", "op": "eq", "value": [1]},
        {"column": "row", "op": "like", "value": "x"},
    ],
)
def test_an_operator_has_the_value_it_needs(
    condition: dict[str, Any], specs: dict[str, ProcessorSpec]
) -> None:
    spec = specs["filter_rows"]

    with pytest.raises(DataError) as refused:
        spec.decode_params({"where": [condition]})

    assert refused.value.code == "invalid_params"


def test_columns_come_in_the_order_given() -> None:
    params = SelectColumns(["text", "row"])

    found = select_columns(a_frame(), params).collect()

    assert found.columns == ["text", "row"]
    with pytest.raises(DataError, match="no column 'x'"):
        select_columns(a_frame(), SelectColumns(["x"]))
