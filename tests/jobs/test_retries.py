"""How often what kind of failure is tried again, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.jobs.builders import a_failure, a_job, a_report, begin, later, outputs_of, types
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobStatus, OnError, StepSpec
from tidemill_contracts.work import Released
from tidemill_jobs import lifecycle, reports
from tidemill_jobs.records import JobRecord


def fail_until_it_ends(job: JobRecord, kind: FailureKind, *, most: int = 30) -> int:
    """Fail attempt after attempt; answers how many there were."""
    for number in range(most):
        facts = later(number * 1000)
        lifecycle.revisit(job, facts)
        begun = begin(job, facts)
        if not begun:
            return number
        reports.report(job, a_report(begun[0], a_failure(kind)), facts)
    return most


@pytest.mark.parametrize(
    ("kind", "attempts"),
    [
        (FailureKind.TRANSIENT, 4),
        (FailureKind.DATA, 1),
        (FailureKind.TIMEOUT, 2),
        (FailureKind.CRASH, 2),
        (FailureKind.WORKER_LOST, 3),
        (FailureKind.INFRASTRUCTURE, 11),
    ],
)
def test_each_kind_of_failure_has_its_own_budget(kind: FailureKind, attempts: int) -> None:
    job = a_job()

    made = fail_until_it_ends(job, kind)

    assert (made, job.status) == (attempts, JobStatus.FAILED)
    assert types(job).count("retry_scheduled") == attempts - 1


@pytest.mark.parametrize("most", [1, 2, 20])
def test_a_job_may_set_how_often_transient_failures_are_tried(most: int) -> None:
    job = a_job(max_attempts=most)

    made = fail_until_it_ends(job, FailureKind.TRANSIENT)

    assert made == most


def test_one_kind_of_failure_takes_nothing_from_the_others() -> None:
    job = a_job()
    kinds = [FailureKind.TIMEOUT, FailureKind.CRASH, *[FailureKind.TRANSIENT] * 3]

    for number, kind in enumerate(kinds):
        lifecycle.revisit(job, later(number * 1000))
        (task,) = begin(job, later(number * 1000))
        reports.report(job, a_report(task, a_failure(kind)), later(number * 1000))

    assert job.status is JobStatus.RETRYING


def test_an_attempt_that_is_handed_back_burns_no_retry() -> None:
    job = a_job(max_attempts=1)

    for number in range(20):
        (task,) = begin(job, later(number))
        reports.report(job, a_report(task, Released(reason="drain")), later(number))

    assert job.status is JobStatus.QUEUED
    assert job.tasks[0].attempt == 20


def test_each_step_that_may_fail_has_all_of_its_retries() -> None:
    job = a_job(
        StepSpec(processor="wait", on_error=OnError.CONTINUE),
        StepSpec(processor="wait"),
    )

    made = fail_until_it_ends(job, FailureKind.TRANSIENT)

    assert made == 8


def test_a_failed_attempt_waits_and_is_queued_when_its_time_comes() -> None:
    job = a_job()
    (task,) = begin(job)
    reports.report(job, a_report(task, a_failure()), later(0, jitter=1.0))

    lifecycle.revisit(job, later(1.9))
    before = job.status
    lifecycle.revisit(job, later(2.0))

    assert (before, job.status, job.next_attempt_at) == (
        JobStatus.RETRYING,
        JobStatus.QUEUED,
        None,
    )


@given(failures=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_the_back_off_lies_between_nothing_and_its_cap(failures: int, jitter: float) -> None:
    wait_s = reports.back_off_s(failures, jitter)

    assert 0 <= wait_s <= min(300.0, 2.0 * 2 ** min(failures, 20))


@pytest.mark.parametrize(("failures", "most"), [(0, 2.0), (1, 4.0), (3, 16.0), (20, 300.0)])
def test_the_back_off_doubles_up_to_five_minutes(failures: int, most: float) -> None:
    assert reports.back_off_s(failures, 1.0) == most


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(0.0, 0.0), (7.5, 7.5), (-3.0, 0.0), (1e300, 21_600.0), (float("inf"), 21_600.0)],
)
def test_a_wait_that_the_processor_asks_for_is_bounded(asked: float, waited: float) -> None:
    job = a_job()
    (task,) = begin(job)

    reports.report(job, a_report(task, a_failure(retry_after_s=asked)), later(0))

    assert job.next_attempt_at is not None
    assert (job.next_attempt_at - later(0).now).total_seconds() == waited


def test_every_attempt_is_kept_with_its_error() -> None:
    job = a_job(max_attempts=2)

    fail_until_it_ends(job, FailureKind.TRANSIENT)

    assert [(a.attempt, a.outcome, a.error and a.error.code) for a in job.attempts] == [
        (1, "failed", "broken"),
        (2, "failed", "broken"),
    ]


def test_the_parts_of_a_fork_are_tried_again_at_their_own_times() -> None:
    job = a_job(
        StepSpec(processor="draw", name="a"), StepSpec(processor="draw", name="b", needs=[])
    )
    first, second = begin(job)
    reports.report(job, a_report(first, a_failure(retry_after_s=5)), later(0))
    reports.report(job, a_report(second, a_failure(retry_after_s=50)), later(0))

    lifecycle.revisit(job, later(5))
    begun = begin(job, later(5))
    said = a_report(first, None, outputs=outputs_of(job, first))
    reports.report(job, said, later(6))

    assert begun == [first]
    assert job.next_attempt_at == second.next_at
