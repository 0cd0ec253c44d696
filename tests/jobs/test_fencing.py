"""Only the attempt that owns a task may change it, and each of its reports counts once."""

from uuid import uuid4

import pytest

from tests.jobs.builders import (
    START,
    a_claim,
    a_job,
    a_report,
    begin,
    held,
    later,
    outputs_of,
    send_out,
    some_facts,
    types,
)
from tidemill_contracts.jobs import CancelJob, JobStatus
from tidemill_contracts.work import (
    BeatOutcome,
    ReportOutcome,
    Succeeded,
)
from tidemill_jobs import lifecycle, reports


def test_a_report_that_comes_twice_counts_once() -> None:
    job = a_job("wait", "wait")
    (task,) = begin(job)
    said = a_report(task, outputs=outputs_of(job, task)[:1])
    reports.report(job, said, some_facts())
    events = types(job)

    again = reports.report(job, said, some_facts())

    assert (again, types(job)) == (ReportOutcome.ALREADY_APPLIED, events)


def test_the_last_report_said_again_is_still_known() -> None:
    job = a_job()
    (task,) = begin(job)
    said = a_report(task, Succeeded(), outputs=outputs_of(job, task))
    reports.report(job, said, some_facts())

    again = reports.report(job, said, later(1))

    assert again is ReportOutcome.ALREADY_APPLIED


@pytest.mark.parametrize("change", ["attempt", "run_id"])
def test_a_report_of_somebody_else_changes_nothing(change: str) -> None:
    job = a_job()
    (task,) = begin(job)
    other = {"attempt": 2} if change == "attempt" else {"run_id": uuid4()}
    said = a_report(task, Succeeded(), outputs=outputs_of(job, task), **other)

    outcome = reports.report(job, said, some_facts())

    assert (outcome, job.status) == (ReportOutcome.SUPERSEDED, JobStatus.RUNNING)
    assert job.steps[0].kept is None


def test_a_superseded_attempt_can_report_nothing() -> None:
    job = a_job()
    (task,) = begin(job)
    late = a_report(task, Succeeded(), outputs=outputs_of(job, task))
    lifecycle.revisit(job, later(31))
    begin(job, later(32))

    outcome = reports.report(job, late, later(33))

    assert (outcome, task.attempt, job.status) == (ReportOutcome.SUPERSEDED, 2, JobStatus.RUNNING)


def test_a_lost_attempt_can_report_nothing_before_the_next_begins() -> None:
    job = a_job()
    (task,) = begin(job)
    late = a_report(task, Succeeded(), outputs=outputs_of(job, task))
    lifecycle.revisit(job, later(31))

    outcome = reports.report(job, late, later(32))
    beaten = reports.beat(job, held(task), later(32))

    assert (outcome, job.status) == (ReportOutcome.SUPERSEDED, JobStatus.QUEUED)
    assert beaten is BeatOutcome.SUPERSEDED


def test_a_report_after_the_end_is_told_so() -> None:
    job = a_job()
    (task,) = begin(job)
    lifecycle.cancel(job, CancelJob(), START)
    late = a_report(task, Succeeded(), outputs=outputs_of(job, task))
    lifecycle.revisit(job, later(60))

    outcome = reports.report(job, late, later(61))

    assert (outcome, job.status) == (ReportOutcome.TERMINAL, JobStatus.CANCELLED)


def test_a_report_of_a_task_that_is_not_there_is_told_so() -> None:
    job = a_job()
    (task,) = begin(job)

    outcome = reports.report(job, a_report(task, Succeeded(), task_id=uuid4()), some_facts())

    assert outcome is ReportOutcome.TERMINAL


def test_a_pure_task_is_claimed_and_finished_at_once() -> None:
    job = a_job("noop", value=5)
    (task,) = send_out(job)
    asked = a_claim(task)
    said = a_report(
        task, Succeeded(), run_id=asked.run_id, claim=asked, outputs=outputs_of(job, task, 5)
    )

    outcome = reports.report(job, said, some_facts())

    assert (outcome, job.status) == (ReportOutcome.APPLIED, JobStatus.SUCCEEDED)
    assert types(job)[1:] == ["started", "step_succeeded", "succeeded"]


@pytest.mark.parametrize("more", [(), ("wait",)])
def test_a_claim_and_finish_said_again_is_known(more: tuple[str, ...]) -> None:
    job = a_job("noop", *more, value=5)
    (task,) = send_out(job)
    asked = a_claim(task)
    said = a_report(
        task, Succeeded(), run_id=asked.run_id, claim=asked, outputs=outputs_of(job, task)
    )
    reports.report(job, said, some_facts())
    events = types(job)

    again = reports.report(job, said, some_facts())

    assert (again, types(job)) == (ReportOutcome.ALREADY_APPLIED, events)


def test_a_claim_and_finish_after_a_cancel_is_discarded() -> None:
    job = a_job("noop", value=5)
    (task,) = send_out(job)
    asked = a_claim(task)
    lifecycle.cancel(job, CancelJob(), START)

    said = a_report(task, Succeeded(), run_id=asked.run_id, claim=asked)
    outcome = reports.report(job, said, some_facts())

    assert (outcome, job.status) == (ReportOutcome.TERMINAL, JobStatus.CANCELLED)
    assert job.attempts == []


def test_a_claim_and_finish_of_what_another_runs_leaves_its_order_alone() -> None:
    job = a_job("noop", value=5)
    (task,) = send_out(job)
    asked = a_claim(task)
    lifecycle.claim(job, a_claim(task), some_facts())

    said = a_report(task, Succeeded(), run_id=asked.run_id, claim=asked)
    outcome = reports.report(job, said, some_facts())

    assert outcome is ReportOutcome.SUPERSEDED
