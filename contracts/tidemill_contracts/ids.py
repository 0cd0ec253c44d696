"""Identifiers and moments: uuid version 7 and UTC."""

import os
import time
from datetime import UTC, datetime, timedelta
from struct import iter_unpack
from uuid import UUID, SafeUUID

_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
_62_BITS = (1 << 62) - 1
_NANOSECONDS = 1_000_000
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def uuid7() -> UUID:
    """A UUID whose first 48 bits are the milliseconds since 1970 (RFC 9562, section 5.7).

    The next 12 bits are the fraction of the millisecond (section 6.2, method 3), so that ids made
    one after the other are in order.
    """
    milliseconds, rest = divmod(time.time_ns(), _NANOSECONDS)
    fraction = (rest << 12) // _NANOSECONDS
    return _uuid7_at(milliseconds, fraction << 64 | _random() & _62_BITS)


def uuid7_floor(moment: datetime) -> UUID:
    """The smallest version 7 UUID of this moment: a bound for ranges of ids."""
    return _uuid7_at((moment - _EPOCH) // _MILLISECOND, 0)


def moment_of(identifier: UUID) -> datetime:
    """When a version 7 UUID was made, to the millisecond."""
    return _EPOCH + (identifier.int >> 80) * _MILLISECOND


def now() -> datetime:
    """The current moment in UTC, cut to the millisecond that the log keeps."""
    return _EPOCH + time.time_ns() // 1_000_000 * _MILLISECOND


def _uuid7_at(milliseconds: int, random: int) -> UUID:
    # made without UUID's constructor, which takes longer than all the rest
    made = UUID.__new__(UUID)
    object.__setattr__(made, "int", milliseconds << 80 | _VERSION_AND_VARIANT | random)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def _random() -> int:
    """A random word of 64 bits; the kernel is asked for many at a time."""
    while True:
        try:
            return _POOL.pop()[0]
        except IndexError:
            _POOL.extend(iter_unpack("=Q", os.urandom(8 * _AT_ONCE)))


_AT_ONCE = 256
_POOL: list[tuple[int]] = []
# a forked child must not draw what its parent draws
os.register_at_fork(after_in_child=_POOL.clear)
