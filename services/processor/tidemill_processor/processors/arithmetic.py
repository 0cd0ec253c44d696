"""Arithmetic on a single number, exact for integers."""

import math
from collections.abc import Callable

from msgspec import Struct

from tidemill_processor.registry import processor
from tidemill_processor.run import DataError

# An alias, because as `float` alone msgspec would turn integers into floats.
Number = int | float

INTEGER_BITS = 4096


class Add(Struct, frozen=True, forbid_unknown_fields=True):
    amount: Number


class Subtract(Struct, frozen=True, forbid_unknown_fields=True):
    amount: Number


class Multiply(Struct, frozen=True, forbid_unknown_fields=True):
    factor: Number


@processor(pure=True)
def add(value: Number, params: Add) -> Number:
    """Add `amount` to a number. Integers stay integers; a result beyond all floats is refused."""
    return _checked(lambda: value + params.amount)


@processor(pure=True)
def subtract(value: Number, params: Subtract) -> Number:
    """Subtract `amount` from a number. Integers stay integers, as in `add`."""
    return _checked(lambda: value - params.amount)


@processor(pure=True)
def multiply(value: Number, params: Multiply) -> Number:
    """Multiply a number by `factor`. Integers stay integers, as in `add`."""
    return _checked(lambda: value * params.factor)


def _checked(compute: Callable[[], Number]) -> Number:
    try:
        result = compute()
    except OverflowError as error:
        raise DataError("the integer is too large for a float", code="not_finite") from error
    if isinstance(result, float) and not math.isfinite(result):
        raise DataError("the result is not a finite number", code="not_finite")
    if isinstance(result, int) and result.bit_length() > INTEGER_BITS:
        raise DataError(f"the result has more than {INTEGER_BITS} bits", code="too_large")
    return result
