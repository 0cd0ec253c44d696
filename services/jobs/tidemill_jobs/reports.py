"""What a worker's report makes of a job: outputs kept, attempts ended; and its signs of life."""

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from tidemill_contracts import job_events as ev
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, JobStatus, Progress, StepStatus
from tidemill_contracts.work import (
    BeatOutcome,
    ClaimOutcome,
    Failed,
    Held,
    ReportOutcome,
    ReportTask,
    StepOutput,
    Succeeded,
)
from tidemill_jobs import flow, lifecycle, outcomes
from tidemill_jobs.endings import record
from tidemill_jobs.records import Facts, JobRecord, StepRecord, TaskRecord, TaskStatus
from tidemill_jobs.shown import result_of

# a checkpoint is small; JSON of a larger one is not kept
MAX_CHECKPOINT = 64 * 1024
MAX_UNIT = 63
_encode = msgspec.json.Encoder().encode


def report(job: JobRecord, said: ReportTask, facts: Facts) -> ReportOutcome:
    """Apply a report if its attempt still owns the task; anything else changes nothing."""
    task = job.task(said.task_id)
    if task is None:
        return ReportOutcome.TERMINAL
    attempt = said.attempt
    if said.claim is not None and said.run_id == task.run_id:
        attempt = task.attempt
    elif said.claim is not None:
        granted = lifecycle.claim(job, said.claim, facts)
        if granted.outcome is ClaimOutcome.BUSY:
            return ReportOutcome.SUPERSEDED
        if granted.outcome is not ClaimOutcome.GRANTED:
            return ReportOutcome.TERMINAL
        attempt = granted.attempt
    if (task.attempt, task.run_id) != (attempt, said.run_id):
        return ReportOutcome.TERMINAL if job.status.is_final else ReportOutcome.SUPERSEDED
    if said.ordinal <= task.ordinal or task.status is TaskStatus.DONE:
        return ReportOutcome.ALREADY_APPLIED
    if job.status.is_final:
        return ReportOutcome.TERMINAL
    if task.status is not TaskStatus.RUNNING:
        return ReportOutcome.SUPERSEDED
    _apply(job, task, said, facts)
    return ReportOutcome.APPLIED


def beat(job: JobRecord, held: Held, facts: Facts) -> BeatOutcome:
    """Prolong the lease of an attempt that still owns its task."""
    task = job.task(held.task_id)
    if task is None or (task.attempt, task.run_id) != (held.attempt, held.run_id):
        return BeatOutcome.SUPERSEDED
    if task.status is not TaskStatus.RUNNING:
        return BeatOutcome.SUPERSEDED
    task.lease_until = facts.now + timedelta(seconds=facts.lease_s)
    _watch(job, task, held, facts)
    return BeatOutcome.CANCELLED if job.status is JobStatus.CANCELLING else BeatOutcome.OK


def _watch(job: JobRecord, task: TaskRecord, held: Held, facts: Facts) -> None:
    """Tell once of each silence that lasts longer than the job allows."""
    silent = held.idle_s > job.timeouts.stall_s
    if silent and not task.stalled and job.status is not JobStatus.CANCELLING:
        left = flow.remaining(job, task)
        record(
            job,
            ev.JobStalled,
            facts.now,
            attempt=task.attempt,
            step=left[0].name if left else "",
            idle_s=round(held.idle_s, 1),
        )
    task.stalled = silent


def _apply(job: JobRecord, task: TaskRecord, said: ReportTask, facts: Facts) -> None:
    task.ordinal = said.ordinal
    task.lease_until = facts.now + timedelta(seconds=facts.lease_s)
    outcomes.break_rows(task, said.ending)
    task.stalled = False
    if said.checkpoint is not None and len(_encode(said.checkpoint)) <= MAX_CHECKPOINT:
        task.checkpoint = said.checkpoint
    for output in said.outputs:
        _keep(job, task, output, facts)
    # what comes after the last output cannot undo the work
    ending = said.ending if flow.remaining(job, task) else Succeeded()
    if ending is not None:
        outcomes.conclude(job, task, ending, facts)


def _keep(job: JobRecord, task: TaskRecord, output: StepOutput, facts: Facts) -> None:
    step = next((s for s in flow.remaining(job, task) if s.name == output.step), None)
    if step is None:
        return
    step.status, step.kept, step.media_type = (
        StepStatus.SUCCEEDED,
        output.payload,
        output.media_type,
    )
    progress = _of_step(job, task, step, output.progress)
    job.progress = progress or job.progress
    task.checkpoint = None
    record(
        job,
        ev.JobStepSucceeded,
        facts.now,
        step=step.name,
        attempt=task.attempt,
        result=result_of(job.id, step),
        progress=progress,
    )
    left = flow.remaining(job, task)
    if left:
        left[0].status = StepStatus.RUNNING


def _of_step(
    job: JobRecord,
    task: TaskRecord,
    step: StepRecord,
    said: Progress | None,
) -> Progress | None:
    """A worker's progress, of this step and no longer than it needs to be."""
    if said is None:
        return None
    unit = said.unit[:MAX_UNIT]
    return replace(said, job_id=job.id, step=step.name, attempt=task.attempt, unit=unit)


def as_unstorable(said: ReportTask) -> ReportTask:
    """This report as a failure, for an output that PostgreSQL does not take (such as U+0000)."""
    error = JobError(
        code="unstorable_value",
        message="the output holds something that cannot be stored, such as the character NUL",
    )
    failed = Failed(failure=FailureKind.DATA, error=error)
    claim = said.claim
    if claim is not None:
        claim = replace(claim, worker=claim.worker.replace("\0", ""))
    return replace(said, outputs=[], ending=failed, checkpoint=None, claim=claim)
