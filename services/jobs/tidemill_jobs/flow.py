"""How values and frames flow from step to step."""

from msgspec.structs import replace

from tidemill_contracts.datasets import Frame
from tidemill_contracts.jobs import StepStatus
from tidemill_contracts.work import Payload, Work, WorkStep
from tidemill_jobs.records import JobRecord, StepRecord, TaskRecord


def work(job: JobRecord, task: TaskRecord) -> Work:
    """What an attempt of this task has to do now, resuming after the last kept step."""
    left = remaining(job, task)
    return Work(
        steps=[
            WorkStep(name=s.name, processor=s.processor, params=s.params, each=s.each) for s in left
        ],
        given=given_to(job, left[0]) if left else Payload(),
        timeout_s=job.timeouts.attempt_s,
        checkpoint=task.checkpoint,
    )


def remaining(job: JobRecord, task: TaskRecord) -> list[StepRecord]:
    """The task's steps that are not over."""
    steps = [job.steps[index] for index in task.steps]
    return [step for step in steps if step.status in (StepStatus.PENDING, StepStatus.RUNNING)]


def given_to(job: JobRecord, step: StepRecord) -> Payload:
    """What a step gets: the job's input, what flows down its chain, or a join of several.

    Of several predecessors a value step gets `{name: value}`, a dataset step the frame of `input`.
    """
    if not step.needs:
        return job.given
    if len(step.needs) == 1:
        return flowing_from(job, step.needs[0])
    before = {name: flowing_from(job, name) for name in step.needs}
    frame = before[step.input].frame if step.input else None
    return Payload(value={name: payload.value for name, payload in before.items()}, frame=frame)


def flowing_from(job: JobRecord, name: str) -> Payload:
    """What leaves a step: what it gave, and what it got where it gave nothing of that kind."""
    step = job.step(name)
    if step is None:
        return job.given
    got, kept = given_to(job, step), step.kept
    if kept is None:
        return got
    value_is_new = kept.value is not None or kept.value_ref is not None
    return Payload(
        value=kept.value if value_is_new else got.value,
        value_ref=kept.value_ref if value_is_new else got.value_ref,
        frame=kept.frame or got.frame,
    )


def with_frame(given: Payload, frame: Frame | None) -> Payload:
    return replace(given, frame=frame)
