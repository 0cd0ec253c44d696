"""Identifiers and moments: uuid version 7 and UTC."""

import os
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
_RANDOM = (1 << 74) - 1
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def uuid7() -> UUID:
    """A UUID whose first 48 bits are the milliseconds since 1970 (RFC 9562, section 5.7)."""
    return _uuid7_at(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10)) & _RANDOM)


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
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | (high << 64) | low)
