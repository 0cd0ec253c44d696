"""Identifiers and moments: uuid version 7 and UTC."""

import os
import time
from datetime import UTC, datetime, timedelta
from struct import iter_unpack
from uuid import UUID, SafeUUID

_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
_12_BITS, _62_BITS = (1 << 12) - 1, (1 << 62) - 1
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def uuid7() -> UUID:
    """A UUID whose first 48 bits are the milliseconds since 1970 (RFC 9562, section 5.7)."""
    low, high = _random()
    return _uuid7_at(time.time_ns() // 1_000_000, (high & _12_BITS) << 64 | low & _62_BITS)


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


def _random() -> tuple[int, int]:
    """Random words of 64 and 16 bits; the kernel is asked for many at a time."""
    while True:
        try:
            return _POOL.pop()
        except IndexError:
            _POOL.extend(iter_unpack("=QH", os.urandom(10 * _AT_ONCE)))


_AT_ONCE = 256
_POOL: list[tuple[int, int]] = []
# a forked child must not draw what its parent draws
os.register_at_fork(after_in_child=_POOL.clear)
