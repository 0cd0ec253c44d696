"""A random number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_processor.processors.random_number import RandomNumber, random_number
from tidemill_processor.registry import ProcessorSpec
from tidemill_processor.run import DataError


@given(st.integers(), st.integers(min_value=0))
def test_it_lies_between_the_bounds(minimum: int, span: int) -> None:
    drawn = random_number(RandomNumber(minimum, minimum + span))

    assert minimum <= drawn <= minimum + span
    assert isinstance(drawn, int)


def test_both_bounds_are_possible() -> None:
    drawn = {random_number(RandomNumber(1, 2)) for _ in range(200)}

    assert drawn == {1, 2}


def test_a_float_bound_gives_a_float() -> None:
    drawn = random_number(RandomNumber(0.0, 1))

    assert isinstance(drawn, float)


def test_bounds_the_wrong_way_round_are_refused(specs: dict[str, ProcessorSpec]) -> None:
    params = {"minimum": 2, "maximum": 1}

    with pytest.raises(DataError, match="above"):
        specs["random_number"].apply(None, params)
