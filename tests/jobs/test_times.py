"""The times of schedules, across changes of the clocks, too."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill_jobs import times
from tidemill_jobs.times import Times

BERLIN = ZoneInfo("Europe/Berlin")
NEVER = datetime.min.replace(tzinfo=UTC)
CRONS = (
    "*/15 * * * *",
    "30 2 * * *",
    "0 * * * *",
    "*/20 * * * * *",
    "0 9 * * MON-FRI",
    "0 0 L * *",
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
# Hypothesis wants its bounds without a zone
BEGIN, END = (NEVER.replace(year=year, tzinfo=None) for year in (2020, 2035))
moments = st.datetimes(BEGIN, END, timezones=st.just(UTC))
some_times = st.builds(
    Times, st.sampled_from(CRONS), st.sampled_from(ZONES), st.none(), st.just(NEVER)
)
steps = st.builds(Times, st.none(), st.just("UTC"), st.integers(1, 100_000), moments)


def berlin(cron: str, day: str, count: int) -> list[str]:
    """The first times of a day in Berlin, as its clocks show them with their offset."""
    begin = datetime.fromisoformat(day).replace(tzinfo=BERLIN) - timedelta(seconds=1)
    found = islice(
        Times(cron, "Europe/Berlin", None, begin).following(begin.astimezone(UTC)), count
    )
    return [each.astimezone(BERLIN).strftime("%d %H:%M %z") for each in found]


@given(some_times | steps, moments)
def test_times_come_one_after_the_other(schedule: Times, moment: datetime) -> None:
    found = [moment, *islice(schedule.following(moment), 5)]

    assert all(before < after for before, after in pairwise(found))
    assert all(each.tzinfo is UTC for each in found)


@given(some_times | steps, moments)
def test_nothing_is_left_out_wherever_one_looks_from(schedule: Times, moment: datetime) -> None:
    first, second = islice(schedule.following(moment), 2)

    assert schedule.after(first) == second
    assert schedule.after(second - timedelta(milliseconds=1)) == second


@settings(max_examples=30)
@given(some_times | steps, moments, st.integers(0, 90_000))
def test_the_latest_time_is_the_last_that_has_come(
    schedule: Times, moment: datetime, later_s: int
) -> None:
    first = next(schedule.following(moment))
    now = first + timedelta(seconds=later_s)

    latest = schedule.latest(first, now)

    assert first <= latest <= now
    assert next(schedule.following(latest)) > now


def test_a_time_that_the_clocks_skip_comes_right_after_the_gap() -> None:
    assert berlin("30 2 * * *", "2026-03-28", 3) == [
        "28 02:30 +0100",
        "29 03:00 +0200",
        "30 02:30 +0200",
    ]


def test_a_time_that_the_clocks_show_twice_comes_once() -> None:
    assert berlin("30 2 * * *", "2026-10-24", 3) == [
        "24 02:30 +0200",
        "25 02:30 +0200",
        "26 02:30 +0100",
    ]


def test_what_runs_hourly_goes_by_the_hours_that_pass() -> None:
    spring, autumn = berlin("0 * * * *", "2026-03-29", 4), berlin("0 * * * *", "2026-10-25", 5)

    assert spring == ["29 00:00 +0100", "29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"]
    assert autumn == [
        "25 00:00 +0200",
        "25 01:00 +0200",
        "25 02:00 +0200",
        "25 02:00 +0100",
        "25 03:00 +0100",
    ]


@pytest.mark.parametrize(
    ("cron", "zone", "every", "field"),
    [
        ("61 * * * *", "UTC", None, "cron"),
        ("* * *", "UTC", None, "cron"),
        ("0 0 31 2 *", "UTC", None, "cron"),
        ("* * * * *", "Mars/Olympus", None, "time_zone"),
        ("* * * * *", "../etc/passwd", None, "time_zone"),
        ("* * * * *", "UTC", 60, "cron"),
        (None, "UTC", None, "cron"),
    ],
)
def test_times_that_cannot_be_are_refused(
    cron: str | None, zone: str, every: int | None, field: str
) -> None:
    with pytest.raises(times.ScheduleInvalid) as refused:
        times.check(cron, zone, every)

    assert [each.field for each in refused.value.errors] == [field]


@given(moments, st.integers(0, 3_600))
def test_jitter_and_ids_are_the_same_everywhere(moment: datetime, jitter_s: int) -> None:
    schedule = uuid4()

    found = times.jittered(schedule, moment, jitter_s)

    assert moment <= found <= moment + timedelta(seconds=jitter_s)
    assert found == times.jittered(schedule, moment, jitter_s)
    assert times.job_id_of(schedule, moment) == times.job_id_of(schedule, moment)
    assert times.job_id_of(schedule, moment).version == 7
    assert times.job_id_of(schedule, moment) != times.job_id_of(uuid4(), moment)
