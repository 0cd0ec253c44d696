"""How values and frames flow from step to step."""

import msgspec
from msgspec.structs import replace

from tidemill_contracts.datasets import Frame
from tidemill_contracts.jobs import StepStatus
from tidemill_contracts.work import Payload, Work, WorkStep
from tidemill_jobs.records import JobRecord, StepRecord, TaskRecord

MAX_JOIN_BYTES = 512 * 1024
_encode = msgspec.json.Encoder().encode


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
    return _given_to(job, step, {})


def holds_too_much(job: JobRecord, step: StepRecord) -> bool:
    """Whether the values that a step joins are too large to be carried in its order.

    Steps that pass on what they got can double a join's size at each of fifty steps.
    """
    if len(step.needs) < 2:  # noqa: PLR2004 - one predecessor is no join
        return False
    leaving: dict[str, Payload] = {}
    values = [_leaving(job, name, leaving) for name in step.needs]
    if step.input is None and any(payload.value_ref is not None for payload in values):
        return True
    return len(_encode([payload.value for payload in values])) > MAX_JOIN_BYTES


def _given_to(job: JobRecord, step: StepRecord, leaving: dict[str, Payload]) -> Payload:
    if not step.needs:
        return job.given
    if len(step.needs) == 1:
        return _leaving(job, step.needs[0], leaving)
    before = {name: _leaving(job, name, leaving) for name in step.needs}
    frame = before[step.input].frame if step.input else None
    return Payload(value={name: payload.value for name, payload in before.items()}, frame=frame)


def _leaving(job: JobRecord, name: str, leaving: dict[str, Payload]) -> Payload:
    """What leaves a step: what it gave, and what it got where it gave nothing of that kind.

    `leaving` remembers it: in a lattice of joins the ways to the first step are without number.
    """
    if name in leaving:
        return leaving[name]
    step = job.step(name)
    if step is None:
        return job.given
    got, kept = _given_to(job, step, leaving), step.kept
    if kept is None:
        leaving[name] = got
        return got
    value_is_new = kept.value is not None or kept.value_ref is not None
    leaving[name] = Payload(
        value=kept.value if value_is_new else got.value,
        value_ref=kept.value_ref if value_is_new else got.value_ref,
        frame=kept.frame or got.frame,
    )
    return leaving[name]


def with_frame(given: Payload, frame: Frame | None) -> Payload:
    return replace(given, frame=frame)
