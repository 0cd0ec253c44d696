"""The times of a schedule: cron in a time zone, or every so many seconds; no I/O.

Across a change of the clocks cron follows Debian's rules. What runs more often than hourly goes
by the hours that pass. A fixed time that the clocks skip comes at the first moment after the
gap, and one that they show twice comes the first time alone.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from msgspec import Struct

from tidemill_contracts.problems import FieldError
from tidemill_kit.errors import Invalid

# each has at most some thousands of times in it if there is none in the one before
LOOKED_BACK = tuple(timedelta(seconds=s) for s in (1, 60, 3_600, 86_400, 691_200))


class ScheduleInvalid(Invalid):
    """These are no times that a schedule can have."""


class Times(Struct, frozen=True):
    """When a schedule runs; `begin` is what `every` counts from."""

    cron: str | None
    time_zone: str
    every: int | None
    begin: datetime

    def after(self, moment: datetime) -> datetime | None:
        """The first time behind this moment, in UTC; None where there is none in 50 years."""
        if self.every is not None:
            step = timedelta(seconds=self.every)
            passed = max((moment - self.begin) // step, 0)
            return self.begin + (passed + 1) * step
        return next(self.following(moment), None)

    def following(self, moment: datetime) -> Iterator[datetime]:
        """All times behind this moment, each later than the one before."""
        if self.cron is None:
            while following := self.after(moment):
                moment = following
                yield moment
            return
        for found in CronSim(self.cron, moment.astimezone(ZoneInfo(self.time_zone))):
            time = found.astimezone(UTC)
            # the hour that clocks show twice is looked at twice
            if time > moment:
                yield time
                moment = time

    def latest(self, first: datetime, now: datetime) -> datetime:
        """The last time that has come by now, at least the first; few are looked at."""
        for back in LOOKED_BACK:
            found = [*takewhile(lambda time: time <= now, self.following(now - back))]
            if found:
                return max(first, found[-1])
        return first


def check(cron: str | None, time_zone: str, every: int | None) -> None:
    """Raises ScheduleInvalid, naming the field."""
    if (cron is None) == (every is None):
        raise ScheduleInvalid(errors=[FieldError("cron", "give either cron or every")])
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "there is no such time zone"
        raise ScheduleInvalid(errors=[FieldError("time_zone", message)]) from error
    if cron is not None:
        try:
            found = next(CronSim(cron, datetime.now(zone)), None)
        except CronSimError as error:
            raise ScheduleInvalid(errors=[FieldError("cron", str(error))]) from error
        if found is None:
            raise ScheduleInvalid(errors=[FieldError("cron", "it never comes")])


def jittered(schedule_id: UUID, nominal: datetime, jitter_s: int) -> datetime:
    """When a time is acted on: later by up to the jitter, the same on every replica."""
    share = int.from_bytes(_hash(schedule_id, nominal)[:4]) / 2**32
    return nominal + timedelta(seconds=share * jitter_s)


def job_id_of(schedule_id: UUID, nominal: datetime) -> UUID:
    """The id of the job of a time: whoever makes it, it is the same (uuid version 7)."""
    milliseconds = int(nominal.timestamp() * 1000)
    drawn = int.from_bytes(_hash(schedule_id, nominal)[:10])
    made = milliseconds << 80 | drawn
    made = made & ~(0xF << 76) | 7 << 76
    return UUID(int=made & ~(0b11 << 62) | 0b10 << 62)


def _hash(schedule_id: UUID, nominal: datetime) -> bytes:
    text = f"{schedule_id} {nominal.astimezone(UTC).isoformat()}"
    return hashlib.sha256(text.encode()).digest()
