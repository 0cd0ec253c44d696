"""A job that ended, run again: what is used again, what runs anew, what is refused."""

from typing import Any
from uuid import uuid4

import pytest

from tests.jobs.builders import (
    FORK,
    FRAME,
    PROCESSORS,
    a_failure,
    a_job,
    a_report,
    begin,
    outputs_of,
    send_out,
    some_facts,
)
from tests.jobs.office import Office
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobStatus, OnError, RetryJob, StepSpec, StepStatus
from tidemill_contracts.work import Payload
from tidemill_jobs import flow, lifecycle, reports, rerun
from tidemill_jobs.commands import Retry
from tidemill_jobs.records import JobRecord, TaskStatus
from tidemill_jobs.refusals import JobNotFound, ParamsInvalid

ADD = [StepSpec(processor="add", name=name, params={"amount": 1}) for name in ("a", "b", "c")]
LENDER = uuid4()


def ended(*steps: StepSpec | str, keep: int = 99, **given: Any) -> JobRecord:
    """A job that failed after it kept the outputs of its first steps, task by task."""
    job = a_job(*steps, **given)
    while not job.status.is_final:
        for task in begin(job):
            left = len([step for step in job.steps if step.kept])
            outputs = outputs_of(job, task)[: max(0, keep - left)]
            reports.report(
                job, a_report(task, a_failure(FailureKind.DATA), outputs=outputs), some_facts()
            )
    return job


def again(job: JobRecord, **order: Any) -> JobRecord:
    queues = {index: task.queue for task in job.tasks for index in task.steps}
    asked = RetryJob(**order)
    return rerun.draft(job, asked, PROCESSORS, created_by=None, queues=queues)


def test_without_a_step_everything_runs_anew() -> None:
    job = ended(*ADD, keep=2, value=1, labels={"a": "b"}, priority=7)
    job.concurrency_key = "k"

    made = again(job)

    assert made.retry_of == job.id
    assert made.id != job.id
    assert [step.status for step in made.steps] == [StepStatus.PENDING] * 3
    assert (made.labels, made.concurrency_key, made.priority) == ({"a": "b"}, "k", 7)
    assert (made.given, made.borrows, made.error) == (Payload(value=1), None, None)


def test_from_a_step_on_the_outputs_before_it_are_used_again() -> None:
    job = ended(*ADD, keep=2, value=1)

    made = again(job, from_step="c")
    lifecycle.submit(made, some_facts())
    (task,) = send_out(made)

    assert [step.status for step in made.steps[:2]] == [StepStatus.SUCCEEDED] * 2
    assert [step.kept for step in made.steps[:2]] == [step.kept for step in job.steps[:2]]
    assert [step.name for step in flow.work(made, task).steps] == ["c"]
    assert flow.work(made, task).given == job.steps[1].kept
    assert made.events[0].seq == 1


def test_before_means_before_in_the_graph() -> None:
    job = ended(*FORK, StepSpec(processor="wait", name="d", needs=["b"]), keep=2)

    made = again(job, from_step="d")
    lifecycle.submit(made, some_facts())

    assert {step.name for step in made.steps if step.kept} == {"b"}
    assert {made.steps[task.steps[0]].name: task.status for task in made.tasks} == {
        "a": TaskStatus.QUEUED,
        "b": TaskStatus.DONE,
        "c": TaskStatus.WAITING,
        "d": TaskStatus.QUEUED,
    }


def test_a_retry_from_a_step_can_succeed() -> None:
    job = ended(*FORK, keep=2)
    made = again(job, from_step="c")
    lifecycle.submit(made, some_facts())

    (task,) = begin(made)
    reports.report(made, a_report(task, outputs=outputs_of(made, task)), some_facts())

    assert made.status is JobStatus.SUCCEEDED


def test_other_parameters_replace_those_of_the_steps_named() -> None:
    job = ended(*ADD, keep=1, value=1)

    made = again(job, from_step="b", params={"c": {"amount": 5}})

    assert [step.params for step in made.steps] == [{"amount": 1}, {"amount": 1}, {"amount": 5}]


def test_stored_objects_are_borrowed_also_by_a_retry_of_a_retry() -> None:
    job = a_job("normalize", "measure", "measure", dataset_id=uuid4(), facts=some_facts())
    key = f"{job.tenant_id}/{LENDER}/1-x/normalize/part-00000.parquet"
    frame = type(FRAME)([type(FRAME.parts[0])(key, 3, 900, "ab" * 32)], 2)
    job.steps[0].kept, job.steps[0].status = Payload(frame=frame), StepStatus.SUCCEEDED
    job.steps[1].kept, job.steps[1].status = Payload(value=1), StepStatus.SUCCEEDED
    job.status = JobStatus.FAILED

    first = again(job, from_step="measure-2")
    first.status = JobStatus.CANCELLED
    second = again(first, from_step="measure")

    assert (first.borrows, second.borrows) == ([LENDER], [LENDER])


def test_a_step_that_was_allowed_to_fail_counts_as_over() -> None:
    may_fail = StepSpec(processor="wait", name="maybe", on_error=OnError.CONTINUE)
    job = ended(may_fail, "wait", keep=0)

    made = again(job, from_step="wait")

    assert made.steps[0].status is StepStatus.FAILED


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"from_step": "z"}, "from_step"),
        ({"params": {"z": {}}}, "params.z"),
        ({"from_step": "b", "params": {"a": {"amount": 2}}}, "params.a"),
    ],
)
def test_what_the_job_does_not_have_is_refused_by_its_field(
    order: dict[str, Any], field: str
) -> None:
    job = ended(*ADD, keep=2, value=1)

    with pytest.raises(rerun.RetryInvalid) as refused:
        again(job, **order)

    assert [error.field for error in refused.value.errors] == [field]


def test_parameters_that_do_not_fit_are_refused_under_their_steps_name() -> None:
    job = ended(*ADD, keep=0, value=1)

    with pytest.raises(ParamsInvalid) as refused:
        again(job, params={"b": {"amount": "five"}})

    assert [error.field for error in refused.value.errors] == ["params.b.amount"]


def test_outputs_that_were_never_kept_are_missing() -> None:
    job = ended(*ADD, keep=1, value=1)

    with pytest.raises(rerun.OutputsMissing) as refused:
        again(job, from_step="c")

    assert [error.field for error in refused.value.errors] == ["from_step"]


def test_a_job_that_has_not_ended_is_not_run_again() -> None:
    with pytest.raises(lifecycle.JobNotFinished):
        again(a_job())


def test_a_job_of_the_system_is_not_run_again() -> None:
    job = ended("wait", keep=0)
    job.system = True

    with pytest.raises(rerun.SystemJob):
        again(job)


async def test_a_retry_of_a_job_that_is_gone_by_now_is_not_accepted(office: Office) -> None:
    made = office.draft()
    gone = uuid4()

    with pytest.raises(JobNotFound):
        await office.ask(Retry, build=lambda: made, job_id=made.id, retry_of=gone)


async def test_a_retry_is_accepted_while_its_first_job_is_locked(office: Office) -> None:
    first = office.draft("wait", value=1)
    await office.submit(first)
    order = await office.order()
    await office.run(order)
    made = office.draft("wait", value=2)

    answer = await office.ask(Retry, build=lambda: made, job_id=made.id, retry_of=first.id)

    assert answer.job_id == made.id
    assert (await office.order()).job_id == made.id
