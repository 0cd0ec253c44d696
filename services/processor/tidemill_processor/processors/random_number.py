"""A random number."""

import random

from msgspec import Struct

from tidemill_processor.registry import processor

Number = int | float


class RandomNumber(Struct, frozen=True, forbid_unknown_fields=True):
    minimum: Number = 0
    maximum: Number = 100

    def __post_init__(self) -> None:
        if self.minimum > self.maximum:
            raise ValueError("`minimum` is above `maximum`")


@processor(pure=True)
def random_number(params: RandomNumber) -> Number:
    """Draw a number between `minimum` and `maximum`, both possible.

    Two integers give an integer, else it is a float. From the system's source of randomness.
    """
    source = random.SystemRandom()
    if isinstance(params.minimum, int) and isinstance(params.maximum, int):
        return source.randint(params.minimum, params.maximum)
    return source.uniform(params.minimum, params.maximum)
