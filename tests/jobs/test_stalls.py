"""A running attempt that shows nothing for too long is told of, once a silence."""

from msgspec.structs import replace

from tests.jobs.builders import a_job, a_report, begin, held, later, outputs_of, short, types
from tidemill_contracts.job_events import JobStalled
from tidemill_contracts.jobs import CancelJob
from tidemill_jobs import lifecycle, reports


def test_a_silence_longer_than_allowed_is_told_of_once() -> None:
    job = a_job("wait", "wait", timeouts=short(stall_s=60))
    (task,) = begin(job)

    for idle_s in (59.0, 60.5, 70.0, 80.0):
        reports.beat(job, replace(held(task), idle_s=idle_s), later(1))

    (stalled,) = [event for event in job.events if isinstance(event, JobStalled)]
    assert (stalled.attempt, stalled.step, stalled.idle_s) == (1, "wait", 60.5)


def test_a_second_silence_is_told_of_again() -> None:
    job = a_job(timeouts=short(stall_s=60))
    (task,) = begin(job)

    for idle_s in (61.0, 2.0, 61.0):
        reports.beat(job, replace(held(task), idle_s=idle_s), later(1))

    assert types(job).count("stalled") == 2


def test_a_report_ends_a_silence() -> None:
    job = a_job("wait", "wait", timeouts=short(stall_s=60))
    (task,) = begin(job)
    reports.beat(job, replace(held(task), idle_s=61.0), later(1))

    reports.report(job, a_report(task, outputs=outputs_of(job, task)[:1]), later(2))
    reports.beat(job, replace(held(task), idle_s=61.0), later(70))

    assert [event.step for event in job.events if isinstance(event, JobStalled)] == [
        "wait",
        "wait-2",
    ]


def test_a_job_that_is_being_cancelled_does_not_stall() -> None:
    job = a_job(timeouts=short(stall_s=60))
    (task,) = begin(job)
    lifecycle.cancel(job, CancelJob(), later(0).now)

    reports.beat(job, replace(held(task), idle_s=99.0), later(1))

    assert "stalled" not in types(job)
