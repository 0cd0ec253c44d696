"""How often what kind of failure is tried again, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from tests.jobs.builders import (
    a_failure,
    a_job,
    a_report,
    begin,
    later,
    outputs_of,
    send_out,
    types,
)
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, JobStatus, OnError, StepSpec
from tidemill_contracts.work import Failed, Released
from tidemill_jobs import lifecycle, outcomes, reports
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
        (FailureKind.CRASH, 3),
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

    for number in range(19):
        (task,) = begin(job, later(number))
        reports.report(job, a_report(task, Released(reason="drain")), later(number))

    assert job.status is JobStatus.QUEUED
    assert job.tasks[0].attempt == 19


def test_an_order_that_came_back_twenty_times_is_not_handed_out_again() -> None:
    job = a_job()

    for number in range(20):
        (task,) = begin(job, later(number))
        reports.report(job, a_report(task, Released(reason="drain")), later(number))

    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.code == "dispatches_exhausted"
    assert [letter.reason.split(":")[0] for letter in job.dead_letters] == ["dispatches_exhausted"]


def test_an_order_that_nobody_claims_is_sent_again_for_ever() -> None:
    job = a_job()

    for number in range(60):
        send_out(job, later(number * 20).now)
        lifecycle.revisit(job, later(number * 20 + 16))

    assert job.status is JobStatus.QUEUED
    assert job.dead_letters == []


@pytest.mark.parametrize(
    ("kind", "code", "why"),
    [
        (FailureKind.TRANSIENT, "broken", "attempts_exhausted"),
        (FailureKind.TIMEOUT, "broken", "attempts_exhausted"),
        (FailureKind.INFRASTRUCTURE, "broken", "attempts_exhausted"),
        (FailureKind.CRASH, "crash_loop", "crash_loop"),
        (FailureKind.WORKER_LOST, "crash_loop", "crash_loop"),
    ],
)
def test_a_job_that_used_up_its_attempts_is_filed(kind: FailureKind, code: str, why: str) -> None:
    job = a_job()

    fail_until_it_ends(job, kind)

    assert job.error is not None
    assert job.error.code == code
    (letter,) = job.dead_letters
    assert (letter.job_id, letter.kind, letter.reason.split(":")[0]) == (job.id, "job", why)


def test_a_job_that_failed_on_its_data_is_not_filed() -> None:
    job = a_job()

    fail_until_it_ends(job, FailureKind.DATA)

    assert (job.status, job.dead_letters) == (JobStatus.FAILED, [])


def test_crashes_with_something_else_between_them_are_no_loop() -> None:
    job = a_job(max_attempts=20)
    kinds = [FailureKind.CRASH, FailureKind.CRASH, FailureKind.TRANSIENT] * 4

    for number, kind in enumerate(kinds):
        lifecycle.revisit(job, later(number * 1000))
        (task,) = begin(job, later(number * 1000))
        reports.report(job, a_report(task, a_failure(kind)), later(number * 1000))

    assert job.status is JobStatus.RETRYING


def test_what_a_worker_says_of_an_error_is_kept_within_bounds() -> None:
    job = a_job()
    (task,) = begin(job)
    long = JobError(code="c" * 900, message="m" * 90_000, type="t" * 900, traceback="é" * 90_000)
    ending = Failed(failure=FailureKind.DATA, error=long)

    reports.report(job, a_report(task, ending), later(0))

    kept = job.attempts[0].error
    assert kept is not None
    assert kept.traceback is not UNSET
    assert kept.type is not UNSET
    assert (len(kept.code), len(kept.message), len(kept.type)) == (63, 8_000, 255)
    assert len(kept.traceback.encode()) <= 64 * 1024


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
    wait_s = outcomes.back_off_s(failures, jitter)

    assert 0 <= wait_s <= min(300.0, 2.0 * 2 ** min(failures, 20))


@pytest.mark.parametrize(("failures", "most"), [(0, 2.0), (1, 4.0), (3, 16.0), (20, 300.0)])
def test_the_back_off_doubles_up_to_five_minutes(failures: int, most: float) -> None:
    assert outcomes.back_off_s(failures, 1.0) == most


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
