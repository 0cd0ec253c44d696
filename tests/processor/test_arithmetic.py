"""Arithmetic on one number."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_processor.processors.arithmetic import (
    Add,
    Multiply,
    Number,
    Subtract,
    add,
    multiply,
    subtract,
)
from tidemill_processor.run import DataError

integers = st.integers(-(2**200), 2**200)
numbers = integers | st.floats(-1e150, 1e150, allow_nan=False)


@given(integers, integers)
def test_integers_are_exact_however_large(value: int, other: int) -> None:
    results = (
        add(value, Add(other)),
        subtract(value, Subtract(other)),
        multiply(value, Multiply(other)),
    )

    exact = (
        Fraction(value) + Fraction(other),
        Fraction(value) - Fraction(other),
        Fraction(value) * Fraction(other),
    )

    assert results == exact
    assert {type(result) for result in results} == {int}


@given(numbers, numbers)
def test_a_float_makes_the_result_a_float(value: Number, other: Number) -> None:
    result = add(value, Add(other))

    assert isinstance(result, float) == (isinstance(value, float) or isinstance(other, float))
    assert math.isclose(
        result, float(Fraction(value) + Fraction(other)), rel_tol=1e-12, abs_tol=1e-3
    )


def test_the_chain_of_the_readme_gives_twenty() -> None:
    value = 10

    result = subtract(multiply(add(value, Add(5)), Multiply(2)), Subtract(10))

    assert result == 20


@pytest.mark.parametrize(("value", "factor"), [(1e308, 10), (10**400, 0.5), (-1e308, 1e10)])
def test_a_result_that_is_no_finite_number_is_refused(value: Number, factor: Number) -> None:
    params = Multiply(factor)

    with pytest.raises(DataError) as refused:
        multiply(value, params)

    assert refused.value.code == "not_finite"


def test_an_integer_does_not_grow_for_ever() -> None:
    value = 2**4000

    with pytest.raises(DataError) as refused:
        multiply(value, Multiply(value))

    assert refused.value.code == "too_large"
