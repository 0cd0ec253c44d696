"""How many values of a column differ: counted where they are few, else estimated."""

import polars as pl
import pytest

from tidemill_processor.profile import profile

ROWS = 600_000
NUMBERS = pl.int_range(ROWS, eager=True)


def distinct_of(values: pl.Series) -> int:
    found = profile(values.alias("a").to_frame().lazy(), {"a": "any"})
    assert found.columns[0].distinct is not None
    return found.columns[0].distinct


@pytest.mark.parametrize(
    "values",
    [NUMBERS % 7, NUMBERS // 10, NUMBERS % 2 == 0, (NUMBERS % 997).cast(pl.String)],
    ids=["few", "in order", "flags", "words"],
)
def test_few_values_in_many_rows_are_counted(values: pl.Series) -> None:
    assert distinct_of(values) == values.n_unique()


@pytest.mark.parametrize(
    "values",
    [
        NUMBERS,
        NUMBERS * 1_000 + 0.5,
        NUMBERS.cast(pl.String),
        (NUMBERS * 60_000_000).cast(pl.Datetime("us")),
        NUMBERS.set(NUMBERS < ROWS // 2, 0),
        NUMBERS * 7_919 % 350_003,
    ],
    ids=["numbers", "fractions", "words", "moments", "zeros first", "some twice"],
)
def test_many_values_are_estimated_well(values: pl.Series) -> None:
    assert distinct_of(values) == pytest.approx(values.n_unique(), rel=0.03)


def test_never_more_differ_than_there_are() -> None:
    values = NUMBERS.set(NUMBERS % 2 == 0, None)

    assert distinct_of(values) <= ROWS // 2
