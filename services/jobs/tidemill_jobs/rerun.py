"""A job that ended, run again as a new job: what runs anew, and which outputs are used again."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace

from tidemill_contracts.ids import moment_of, uuid7
from tidemill_contracts.jobs import JobStatus, OnError, RetryJob, StepSpec, StepStatus
from tidemill_contracts.problems import FieldError
from tidemill_contracts.processors import ProcessorInfo
from tidemill_contracts.work import Payload
from tidemill_jobs import plan
from tidemill_jobs.lifecycle import JobNotFinished
from tidemill_jobs.records import JobRecord, StepRecord, TaskRecord, TaskStatus
from tidemill_jobs.refusals import ParamsInvalid
from tidemill_kit.errors import Conflict, Invalid


class SystemJob(Conflict):
    """The system runs this job for itself; it is not retried by hand."""


class RetryInvalid(Invalid):
    """The job cannot be run again like this."""


class OutputsMissing(Invalid):
    """The outputs of the steps before this one are not there any more."""


def reused(job: JobRecord, order: RetryJob) -> list[StepRecord]:
    """The steps whose outputs a retry uses again: all that come before `from_step` in the graph.

    Raises RetryInvalid for names that the job does not have, OutputsMissing where a step before
    gave no output.
    """
    if not job.status.is_final:
        raise JobNotFinished(job_status=job.status.value)
    if job.system:
        raise SystemJob
    if order.from_step is not None and job.step(order.from_step) is None:
        _refuse("from_step", f"there is no step named {order.from_step!r}")
    before = _before(job, order.from_step) if order.from_step else set[str]()
    for name in order.params:
        if job.step(name) is None:
            _refuse(f"params.{name}", f"there is no step named {name!r}")
        if name in before:
            _refuse(f"params.{name}", "the output of this step is used again")
    kept = [step for step in job.steps if step.name in before]
    if missing := [step.name for step in kept if not _is_over(step)]:
        refuse_missing(missing)
    return kept


def refuse_missing(steps: Sequence[str]) -> None:
    raise OutputsMissing(errors=[FieldError("from_step", f"no output of {', '.join(steps)}")])


def keys_of(steps: Sequence[StepRecord]) -> dict[str, list[str]]:
    """The stored objects that each of these steps' outputs consist of."""
    return {step.name: list(_keys(step.kept)) for step in steps if step.kept is not None}


def draft(
    job: JobRecord,
    order: RetryJob,
    processors: Mapping[str, ProcessorInfo],
    *,
    created_by: UUID | None,
    queues: Mapping[int, str],
) -> JobRecord:
    """The new job, not submitted yet. Stored objects are referred to, not copied.

    `queues` are those of the job's steps, by their place in the list.
    """
    kept = {step.name: step for step in reused(job, order)}
    made = _planned(job, order, processors, queues)
    job_id = uuid7()
    moment = moment_of(job_id)
    tasks = plan.tasks(made, job_id, job.tenant_id, job.priority)
    _mark_done([task for task in tasks if all(made.steps[i].name in kept for i in task.steps)])
    return JobRecord(
        id=job_id,
        tenant_id=job.tenant_id,
        created_by=created_by,
        status=JobStatus.QUEUED,
        dataset_id=job.dataset_id,
        pipeline=job.pipeline,
        steps=[_with_output(step, kept.get(step.name)) for step in made.steps],
        processors=made.processors,
        given=Payload(value=job.given.value),
        queue=job.queue,
        priority=job.priority,
        labels=job.labels,
        retry_of=job.id,
        max_attempts=job.max_attempts,
        timeouts=job.timeouts,
        concurrency_key=job.concurrency_key,
        borrows=_lenders(list(kept.values())) or None,
        created_at=moment,
        updated_at=moment,
        tasks=tasks,
    )


def _planned(
    job: JobRecord,
    order: RetryJob,
    processors: Mapping[str, ProcessorInfo],
    queues: Mapping[int, str],
) -> plan.Plan:
    specs = [
        StepSpec(
            name=step.name,
            processor=step.processor,
            params=order.params.get(step.name, step.params),
            needs=step.needs,
            input=step.input,
            each=step.each,
            on_error=step.on_error,
            queue=queues.get(index),
        )
        for index, step in enumerate(job.steps)
    ]
    try:
        return plan.plan(
            specs,
            processors,
            has_dataset=job.dataset_id is not None,
            has_value=job.given.value is not None,
            queue=job.queue,
        )
    except ParamsInvalid as error:
        raise ParamsInvalid(errors=[_named(job, each) for each in error.errors]) from error


def _named(job: JobRecord, error: FieldError) -> FieldError:
    """A field of a step's parameters, under the step's name."""
    _, index, _, *inside = error.field.split(".")
    return FieldError(".".join(["params", job.steps[int(index)].name, *inside]), error.message)


def _mark_done(tasks: Sequence[TaskRecord]) -> None:
    for task in tasks:
        task.status = TaskStatus.DONE


def _with_output(step: StepRecord, kept: StepRecord | None) -> StepRecord:
    if kept is None:
        return replace(step)
    return replace(
        step,
        status=kept.status,
        error=kept.error,
        kept=kept.kept,
        media_type=kept.media_type,
    )


def _before(job: JobRecord, name: str) -> set[str]:
    needs = {step.name: step.needs for step in job.steps}
    found, frontier = set[str](), set(needs[name])
    while frontier:
        found |= frontier
        frontier = {need for step in frontier for need in needs[step]} - found
    return found


def _is_over(step: StepRecord) -> bool:
    """Whether it gave what it was to give; a step that may fail may also have given nothing."""
    if step.status is StepStatus.SUCCEEDED:
        return step.kept is not None
    return step.status is StepStatus.FAILED and step.on_error is OnError.CONTINUE


def _keys(payload: Payload | None) -> Iterator[str]:
    if payload is not None and payload.value_ref is not None:
        yield payload.value_ref.key
    if payload is not None and payload.frame is not None:
        yield from (part.key for part in payload.frame.parts)


def _lenders(steps: Sequence[StepRecord]) -> list[UUID]:
    """The jobs below whose prefix `<tenant>/<job>/` these outputs lie."""
    keys = [key for each in keys_of(steps).values() for key in each]
    return sorted({UUID(key.split("/")[1]) for key in keys})


def _refuse(field: str, message: str) -> None:
    raise RetryInvalid(errors=[FieldError(field, message)])
