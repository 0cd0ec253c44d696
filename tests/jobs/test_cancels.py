"""Cancels: what they answer, when they end, and what is written of them."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.jobs.builders import (
    BOOT,
    FORK,
    START,
    a_failure,
    a_job,
    a_report,
    begin,
    held,
    later,
    outputs_of,
    some_facts,
    types,
)
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import CancelJob, CancelOutcome, JobStatus, OnError, StepSpec
from tidemill_contracts.work import BeatOutcome, Ending, Released, Stopped, Succeeded
from tidemill_jobs import lifecycle, reports
from tidemill_jobs.records import JobRecord, TaskStatus


def test_a_job_that_has_not_started_is_cancelled_at_once() -> None:
    job = a_job()

    changed = lifecycle.cancel(job, CancelJob(reason="no need"), START)

    assert changed
    assert job.status is JobStatus.CANCELLED
    assert job.cancel is not None
    assert (job.cancel.outcome, job.cancel.reason) == (CancelOutcome.NOT_STARTED, "no need")


def test_a_running_job_is_asked_to_stop_within_its_grace() -> None:
    job = a_job()
    begin(job)

    lifecycle.cancel(job, CancelJob(grace_s=3), START)

    assert job.status is JobStatus.CANCELLING
    assert job.cancel_deadline == START + timedelta(seconds=9)


@pytest.mark.parametrize("running", [False, True])
def test_a_second_cancel_changes_nothing(running: bool) -> None:
    job = a_job()
    if running:
        begin(job)
    lifecycle.cancel(job, CancelJob(reason="first"), START)
    events = types(job)

    changed = lifecycle.cancel(job, CancelJob(reason="second"), START)

    assert not changed
    assert job.cancel is not None
    assert (types(job), job.cancel.reason) == (events, "first")


def test_a_job_that_ended_otherwise_cannot_be_cancelled() -> None:
    job = a_job()
    (task,) = begin(job)
    said = a_report(task, Succeeded(), outputs=outputs_of(job, task))
    reports.report(job, said, some_facts())

    with pytest.raises(lifecycle.JobFinished):
        lifecycle.cancel(job, CancelJob(), START)


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        (Stopped(), CancelOutcome.COOPERATIVE),
        (Stopped(killed=True), CancelOutcome.KILLED),
        (a_failure(), CancelOutcome.COOPERATIVE),
    ],
)
def test_how_the_worker_ended_is_the_cancels_outcome(
    ending: Ending,
    outcome: CancelOutcome,
) -> None:
    job = a_job()
    (task,) = begin(job)
    lifecycle.cancel(job, CancelJob(), START)

    reports.report(job, a_report(task, ending), later(2))

    assert job.status is JobStatus.CANCELLED
    assert job.cancel is not None
    assert (job.cancel.outcome, job.cancel.latency_ms) == (outcome, 2000)


def test_a_success_that_comes_before_the_stop_wins() -> None:
    job = a_job()
    (task,) = begin(job)
    lifecycle.cancel(job, CancelJob(), START)

    reports.report(job, a_report(task, Succeeded(), outputs=outputs_of(job, task)), later(1))

    assert job.status is JobStatus.SUCCEEDED
    assert job.cancel is not None
    assert job.cancel.outcome is CancelOutcome.TOO_LATE


def test_a_silent_cancel_ends_at_grace_and_six_seconds() -> None:
    job = a_job()
    begin(job)
    lifecycle.cancel(job, CancelJob(grace_s=2), START)

    lifecycle.revisit(job, later(8))
    before = job.status
    lifecycle.revisit(job, later(8.1))

    assert (before, job.status) == (JobStatus.CANCELLING, JobStatus.CANCELLED)
    assert job.cancel is not None
    assert job.cancel.outcome is CancelOutcome.WORKER_LOST


def test_a_failed_step_that_may_fail_does_not_undo_a_cancel() -> None:
    job = a_job(StepSpec(processor="wait", on_error=OnError.CONTINUE), "wait")
    (task,) = begin(job)
    lifecycle.cancel(job, CancelJob(), START)

    reports.report(job, a_report(task, a_failure(FailureKind.DATA)), later(1))

    assert job.status is JobStatus.CANCELLED


def test_a_beat_tells_the_worker_of_the_cancel() -> None:
    job = a_job()
    (task,) = begin(job)
    lifecycle.cancel(job, CancelJob(), START)

    said = reports.beat(job, held(task), later(1))

    assert said is BeatOutcome.CANCELLED


def test_a_cancel_leaves_the_outputs_of_finished_steps() -> None:
    job = a_job("wait", "wait")
    (task,) = begin(job)
    reports.report(job, a_report(task, outputs=outputs_of(job, task, 7)[:1]), some_facts())
    lifecycle.cancel(job, CancelJob(), START)

    reports.report(job, a_report(task, Stopped()), later(1))

    assert job.steps[0].kept is not None
    assert job.steps[0].kept.value == 7


def test_a_lost_worker_ends_the_cancel() -> None:
    job = a_job()
    begin(job)
    lifecycle.cancel(job, CancelJob(grace_s=300), START)

    lifecycle.revisit(job, later(31))

    assert job.cancel is not None
    assert job.cancel.outcome is CancelOutcome.WORKER_LOST


def fork_in_flight() -> JobRecord:
    """Two of three tasks run, and a cancel has been asked for."""
    job = a_job(*FORK)
    begin(job)
    lifecycle.cancel(job, CancelJob(), START)
    return job


@pytest.mark.parametrize(
    "ending",
    [Succeeded(), Stopped(), a_failure(), Released(reason="drain")],
    ids=lambda ending: type(ending).__name__,
)
def test_a_cancel_waits_for_every_task_that_still_runs(ending: Ending) -> None:
    job = fork_in_flight()
    first, second, _ = job.tasks
    outputs = outputs_of(job, first) if isinstance(ending, Succeeded) else []

    reports.report(job, a_report(first, ending, outputs=outputs), later(1))
    between = job.status
    reports.report(job, a_report(second, Stopped()), later(2))

    assert (between, job.status) == (JobStatus.CANCELLING, JobStatus.CANCELLED)


def test_a_lost_worker_does_not_end_a_cancel_that_another_still_answers() -> None:
    job = fork_in_flight()
    first, second, _ = job.tasks
    first.worker = "other"

    lifecycle.revisit(job, later(1, boots={"w": BOOT, "other": UUID(int=9)}))
    between = job.status
    reports.report(job, a_report(second, Stopped()), later(2))

    assert (between, job.status) == (JobStatus.CANCELLING, JobStatus.CANCELLED)


def test_a_job_whose_last_tasks_all_succeed_under_a_cancel_has_succeeded() -> None:
    job = a_job(*FORK[:2])
    begin(job)
    lifecycle.cancel(job, CancelJob(), START)

    for task in job.tasks:
        said = a_report(task, Succeeded(), outputs=outputs_of(job, task))
        reports.report(job, said, later(1))

    assert job.status is JobStatus.SUCCEEDED
    assert job.cancel is not None
    assert job.cancel.outcome is CancelOutcome.TOO_LATE


def test_a_cancel_stops_what_waits_to_be_tried_again() -> None:
    job = a_job()
    (task,) = begin(job)
    reports.report(job, a_report(task, a_failure()), some_facts())

    lifecycle.cancel(job, CancelJob(), later(1).now)

    assert (job.status, task.status) == (JobStatus.CANCELLED, TaskStatus.CANCELLED)
    assert job.next_attempt_at is None


@pytest.mark.parametrize(
    ("endings", "outcome"),
    [
        ([Stopped(killed=True), Stopped()], CancelOutcome.KILLED),
        ([Stopped(), Stopped(killed=True)], CancelOutcome.KILLED),
        ([Stopped(), Stopped()], CancelOutcome.COOPERATIVE),
    ],
)
def test_of_several_tasks_the_worst_gives_the_cancels_outcome(
    endings: list[Stopped], outcome: CancelOutcome
) -> None:
    job = a_job(*FORK)
    begun = begin(job)
    lifecycle.cancel(job, CancelJob(), START)

    for task, ending in zip(begun, endings, strict=True):
        reports.report(job, a_report(task, ending), some_facts())

    assert job.cancel is not None
    assert job.cancel.outcome is outcome


def test_a_task_that_was_lost_is_worse_than_one_that_stopped() -> None:
    job = a_job(*FORK)
    first, second = begin(job)
    lifecycle.cancel(job, CancelJob(grace_s=300), START)
    reports.beat(job, held(second), later(29))

    lifecycle.revisit(job, later(31))
    reports.report(job, a_report(second, Stopped()), later(32))

    assert first.status is TaskStatus.LOST
    assert job.cancel is not None
    assert job.cancel.outcome is CancelOutcome.WORKER_LOST
