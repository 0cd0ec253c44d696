"""What a worker's report makes of a job: outputs kept, attempts ended, retries counted."""

from datetime import timedelta

from msgspec.structs import replace

from tidemill_contracts import job_events as ev
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import CancelOutcome, JobError, JobStatus, OnError, StepStatus
from tidemill_contracts.work import (
    BeatOutcome,
    ClaimOutcome,
    Ending,
    Failed,
    Held,
    Released,
    ReportOutcome,
    ReportTask,
    StepOutput,
    Stopped,
    Succeeded,
)
from tidemill_jobs import flow, lifecycle
from tidemill_jobs.endings import end_failed, end_succeeded, finish_attempt, record, settle_cancel
from tidemill_jobs.records import Facts, JobRecord, StepRecord, TaskRecord, TaskStatus, result_of

BACK_OFF_S = 2.0
BACK_OFF_CAP_S = 300.0
# how often each kind of failure is tried again; transient ones have the job's own limit
BUDGETS = {
    FailureKind.DATA: 0,
    FailureKind.TIMEOUT: 1,
    FailureKind.CRASH: 1,
    FailureKind.WORKER_LOST: lifecycle.CRASH_LOOP - 1,
    FailureKind.INFRASTRUCTURE: 10,
}
INCOMPLETE = Failed(
    failure=FailureKind.CRASH,
    error=JobError(code="outputs_missing", message="the worker ended without every output"),
)
_ON_ITS_WAY = (TaskStatus.QUEUED, TaskStatus.DISPATCHED, TaskStatus.RUNNING)


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
    return BeatOutcome.CANCELLED if job.status is JobStatus.CANCELLING else BeatOutcome.OK


def back_off_s(failures: int, jitter: float) -> float:
    """Full jitter on 2 s·2ⁿ, at most 5 min (Brooker, "Exponential Backoff And Jitter", 2015)."""
    return jitter * min(BACK_OFF_CAP_S, BACK_OFF_S * 2 ** min(failures, 16))


def _apply(job: JobRecord, task: TaskRecord, said: ReportTask, facts: Facts) -> None:
    task.ordinal = said.ordinal
    task.lease_until = facts.now + timedelta(seconds=facts.lease_s)
    if not _is_lost(said.ending):
        task.failures.pop("worker_lost", None)
    if said.checkpoint is not None:
        task.checkpoint = said.checkpoint
    for output in said.outputs:
        _keep(job, task, output, facts)
    # what comes after the last output cannot undo the work
    ending = said.ending if flow.remaining(job, task) else Succeeded()
    if ending is not None:
        _end(job, task, ending, facts)


def _keep(job: JobRecord, task: TaskRecord, output: StepOutput, facts: Facts) -> None:
    step = next((s for s in flow.remaining(job, task) if s.name == output.step), None)
    if step is None:
        return
    step.status, step.kept, step.media_type = (
        StepStatus.SUCCEEDED,
        output.payload,
        output.media_type,
    )
    job.progress = output.progress or job.progress
    task.checkpoint = None
    record(
        job,
        ev.JobStepSucceeded,
        facts.now,
        step=step.name,
        attempt=task.attempt,
        result=result_of(job.id, step),
        progress=output.progress,
    )
    left = flow.remaining(job, task)
    if left:
        left[0].status = StepStatus.RUNNING


def _end(job: JobRecord, task: TaskRecord, ending: Ending, facts: Facts) -> None:
    match ending:
        case Succeeded() if flow.remaining(job, task):
            _end(job, task, INCOMPLETE, facts)
        case Succeeded():
            finish_attempt(job, task, "succeeded", facts.now)
            _done(job, task, facts)
        case Failed():
            finish_attempt(job, task, "failed", facts.now, ending.error)
            _failed(job, task, ending, facts)
        case Released():
            finish_attempt(job, task, "released", facts.now)
            _released(job, task, ending, facts)
        case Stopped():
            finish_attempt(job, task, "stopped", facts.now)
            _stopped(job, task, ending, facts)


def _done(job: JobRecord, task: TaskRecord, facts: Facts) -> None:
    task.status = TaskStatus.DONE
    if all(other.status is TaskStatus.DONE for other in job.tasks):
        end_succeeded(job, facts.now)
    elif job.status is JobStatus.CANCELLING:
        settle_cancel(job, CancelOutcome.COOPERATIVE, facts.now)
    else:
        lifecycle.queue_ready(job, facts)
        waiting = not any(other.status in _ON_ITS_WAY for other in job.tasks)
        if waiting and not job.status.is_final:
            job.status = JobStatus.RETRYING


def _failed(job: JobRecord, task: TaskRecord, ending: Failed, facts: Facts) -> None:
    step = _failing_step(job, task, ending)
    error = JobError(
        code=ending.error.code,
        message=ending.error.message,
        step=step.name,
        type=ending.error.type,
        traceback=ending.error.traceback,
    )
    record(
        job,
        ev.JobStepFailed,
        facts.now,
        step=step.name,
        attempt=task.attempt,
        error=error,
    )
    task.failures[ending.failure] = task.failures.get(ending.failure, 0) + 1
    if _may_retry(job, task, ending):
        if job.status is JobStatus.CANCELLING:
            task.status = TaskStatus.CANCELLED
            settle_cancel(job, CancelOutcome.COOPERATIVE, facts.now)
        else:
            _retry(job, task, ending, error, facts)
        return
    step.status, step.error = StepStatus.FAILED, error
    if step.on_error is OnError.CONTINUE:
        _go_on(job, task, facts)
        return
    task.status = TaskStatus.FAILED
    end_failed(job, error, facts.now)


def _go_on(job: JobRecord, task: TaskRecord, facts: Facts) -> None:
    """A failed step that may fail counts as one that gave nothing; the next has its own retries."""
    task.failures.clear()
    if not flow.remaining(job, task):
        _done(job, task, facts)
    elif job.status is JobStatus.CANCELLING:
        task.status = TaskStatus.CANCELLED
        settle_cancel(job, CancelOutcome.COOPERATIVE, facts.now)
    else:
        lifecycle.requeue(job, task, facts.now)


def _may_retry(job: JobRecord, task: TaskRecord, ending: Failed) -> bool:
    allowed = BUDGETS.get(ending.failure, job.max_attempts - 1)
    return task.failures[ending.failure] <= allowed


def _retry(
    job: JobRecord,
    task: TaskRecord,
    ending: Failed,
    error: JobError,
    facts: Facts,
) -> None:
    count = task.failures[ending.failure]
    wait_s = back_off_s(count - 1, facts.jitter)
    if ending.retry_after_s is not None:
        wait_s = min(max(ending.retry_after_s, 0.0), job.timeouts.total_s)
    task.status, task.next_at = TaskStatus.RETRYING, facts.now + timedelta(seconds=wait_s)
    task.lease_until = None
    job.next_attempt_at = lifecycle.next_attempt(job)
    if not any(other.status is TaskStatus.RUNNING for other in job.tasks):
        job.status = JobStatus.RETRYING
    record(
        job,
        ev.JobRetryScheduled,
        facts.now,
        attempt=task.attempt,
        kind=ending.failure,
        error=error,
        next_attempt_at=task.next_at,
    )


def _released(job: JobRecord, task: TaskRecord, ending: Released, facts: Facts) -> None:
    record(
        job,
        ev.JobAttemptLost,
        facts.now,
        attempt=task.attempt,
        worker=task.worker or "",
        reason=ending.reason,
    )
    if job.status is JobStatus.CANCELLING:
        task.status = TaskStatus.CANCELLED
        settle_cancel(job, CancelOutcome.COOPERATIVE, facts.now)
    else:
        lifecycle.requeue(job, task, facts.now)


def _stopped(job: JobRecord, task: TaskRecord, ending: Stopped, facts: Facts) -> None:
    task.status = TaskStatus.CANCELLED
    if job.status is not JobStatus.CANCELLING:
        error = JobError(code="stopped", message="the worker stopped the attempt by itself")
        end_failed(job, error, facts.now)
    else:
        outcome = CancelOutcome.KILLED if ending.killed else CancelOutcome.COOPERATIVE
        settle_cancel(job, outcome, facts.now)


def _failing_step(job: JobRecord, task: TaskRecord, ending: Failed) -> StepRecord:
    left = flow.remaining(job, task)
    named = next((step for step in left if step.name == ending.error.step), None)
    return named or (left[0] if left else job.steps[task.steps[-1]])


def _is_lost(ending: Ending | None) -> bool:
    return isinstance(ending, Failed) and ending.failure is FailureKind.WORKER_LOST


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
