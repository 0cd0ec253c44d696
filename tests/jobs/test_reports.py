"""What workers' reports do: outputs that are kept, steps that may fail, joins."""

from datetime import timedelta

import pytest

from tests.jobs.builders import (
    FORK,
    START,
    a_claim,
    a_failure,
    a_job,
    a_report,
    begin,
    later,
    outputs_of,
    send_out,
    some_facts,
    types,
)
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, JobStatus, OnError, StepSpec, StepStatus
from tidemill_contracts.work import (
    Ending,
    Failed,
    Payload,
    Released,
    ReportOutcome,
    StepOutput,
    Stopped,
    Succeeded,
)
from tidemill_jobs import flow, lifecycle, reports
from tidemill_jobs.records import TaskStatus
from tidemill_jobs.shown import public


def test_a_success_ends_the_job_with_its_last_steps_result() -> None:
    job = a_job("wait", "wait")
    (task,) = begin(job)

    outcome = reports.report(
        job, a_report(task, Succeeded(), outputs=outputs_of(job, task, 20)), some_facts()
    )

    shown = public(job)
    assert (outcome, job.status) == (ReportOutcome.APPLIED, JobStatus.SUCCEEDED)
    assert shown.result is not None
    assert shown.result.value == 20
    assert types(job)[-3:] == ["step_succeeded", "step_succeeded", "succeeded"]


def test_a_retry_resumes_after_the_last_kept_step() -> None:
    job = a_job("wait", "wait", "wait", value=1)
    (task,) = begin(job)
    reports.report(job, a_report(task, outputs=outputs_of(job, task, 42)[:1]), some_facts())
    reports.report(job, a_report(task, a_failure()), some_facts())
    lifecycle.revisit(job, later(10))
    send_out(job)

    answer = lifecycle.claim(job, a_claim(task), later(11))

    assert answer.work is not None
    assert [step.name for step in answer.work.steps] == ["wait-2", "wait-3"]
    assert answer.work.given.value == 42


def test_a_checkpoint_reaches_the_next_attempt_of_its_step() -> None:
    job = a_job()
    (task,) = begin(job)
    reports.report(job, a_report(task, checkpoint={"at": 7}), some_facts())
    lifecycle.revisit(job, later(31))
    send_out(job)

    answer = lifecycle.claim(job, a_claim(task), later(32))

    assert answer.work is not None
    assert answer.work.checkpoint == {"at": 7}


def test_a_kept_output_is_never_written_again() -> None:
    job = a_job("wait", "wait")
    (task,) = begin(job)
    first, _ = outputs_of(job, task, "first")
    reports.report(job, a_report(task, outputs=[first]), some_facts())

    other = StepOutput(step=first.step, payload=Payload(value="other"))
    reports.report(job, a_report(task, outputs=[other]), some_facts())

    assert job.steps[0].kept == first.payload
    assert types(job).count("step_succeeded") == 1


def test_an_attempt_writes_only_the_steps_of_its_task() -> None:
    job = a_job(*FORK)
    first, second, _ = begin(job)[0], job.tasks[1], job.tasks[2]

    reports.report(job, a_report(first, outputs=outputs_of(job, second)), some_facts())

    assert job.steps[1].kept is None


def test_a_failure_cannot_be_laid_on_a_step_that_is_kept() -> None:
    job = a_job("wait", "wait")
    (task,) = begin(job)
    reports.report(job, a_report(task, outputs=outputs_of(job, task)[:1]), some_facts())
    error = JobError(code="broken", message="it broke", step="wait")

    ending = Failed(failure=FailureKind.DATA, error=error)
    reports.report(job, a_report(task, ending), some_facts())

    assert [step.status for step in job.steps] == [StepStatus.SUCCEEDED, StepStatus.FAILED]


def test_a_success_without_every_output_is_no_success() -> None:
    job = a_job("wait", "wait")
    (task,) = begin(job)

    reports.report(
        job, a_report(task, Succeeded(), outputs=outputs_of(job, task)[:1]), some_facts()
    )

    assert job.status is JobStatus.RETRYING
    assert job.attempts[0].outcome == "failed"


@pytest.mark.parametrize("ending", [None, a_failure(FailureKind.DATA), Released(reason="drain")])
def test_a_task_whose_outputs_are_all_kept_is_done(ending: Ending | None) -> None:
    job = a_job()
    (task,) = begin(job)

    reports.report(job, a_report(task, ending, outputs=outputs_of(job, task)), some_facts())
    after = reports.report(job, a_report(task, Succeeded(), ordinal=9), some_facts())

    assert (job.status, task.status) == (JobStatus.SUCCEEDED, TaskStatus.DONE)
    assert after is ReportOutcome.ALREADY_APPLIED


def test_a_step_that_may_fail_passes_its_input_on() -> None:
    job = a_job(StepSpec(processor="wait", on_error=OnError.CONTINUE), "wait", value=3)
    (task,) = begin(job)

    reports.report(job, a_report(task, a_failure(FailureKind.DATA)), some_facts())
    send_out(job)
    answer = lifecycle.claim(job, a_claim(task), later(1))

    assert job.steps[0].status is StepStatus.FAILED
    assert answer.work is not None
    assert (len(answer.work.steps), answer.work.given.value) == (1, 3)


def test_a_last_step_that_may_fail_lets_the_job_succeed() -> None:
    job = a_job("wait", StepSpec(processor="wait", on_error=OnError.CONTINUE), value=3)
    (task,) = begin(job)
    reports.report(job, a_report(task, outputs=outputs_of(job, task)[:1]), some_facts())

    reports.report(job, a_report(task, a_failure(FailureKind.DATA)), some_facts())

    assert job.status is JobStatus.SUCCEEDED


def test_a_join_gets_the_values_by_their_names() -> None:
    job = a_job(*FORK)
    for task, value in zip(begin(job), (1, 2), strict=True):
        said = a_report(task, Succeeded(), outputs=outputs_of(job, task, value))
        reports.report(job, said, some_facts())

    (join,) = begin(job)

    assert flow.work(job, join).given.value == {"a": 1, "b": 2}


def test_a_join_waits_for_all_that_it_needs() -> None:
    job = a_job(*FORK)
    first, _ = begin(job)

    reports.report(job, a_report(first, Succeeded(), outputs=outputs_of(job, first)), some_facts())

    assert job.tasks[2].status is TaskStatus.WAITING
    assert job.status is JobStatus.RUNNING


def test_a_failed_branch_ends_the_job_and_all_its_tasks() -> None:
    job = a_job(*FORK)
    first, second = begin(job)

    reports.report(job, a_report(first, a_failure(FailureKind.DATA)), some_facts())
    late = reports.report(job, a_report(second, Stopped()), later(1))

    assert job.status is JobStatus.FAILED
    assert [task.status for task in job.tasks][1:] == [TaskStatus.CANCELLED] * 2
    assert late is ReportOutcome.TERMINAL


def test_what_cannot_be_stored_fails_as_data() -> None:
    job = a_job()
    (task,) = begin(job)
    said = a_report(task, Succeeded(), outputs=outputs_of(job, task, "a\0b"))

    reports.report(job, reports.as_unstorable(said), some_facts())

    assert job.error is not None
    assert (job.error.code, job.status) == ("unstorable_value", JobStatus.FAILED)


def test_a_job_is_retrying_while_nothing_else_of_it_can_run() -> None:
    job = a_job(*FORK)
    first, second = begin(job)
    reports.report(job, a_report(first, a_failure()), some_facts())
    while_running = job.status

    said = a_report(second, Succeeded(), outputs=outputs_of(job, second))
    reports.report(job, said, some_facts())

    assert (while_running, job.status) == (JobStatus.RUNNING, JobStatus.RETRYING)
    assert job.next_attempt_at == START + timedelta(seconds=1)
