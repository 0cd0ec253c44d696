"""What the end of an attempt makes of its task: done, tried again, given up, stopped."""

from datetime import timedelta

from msgspec import UNSET
from msgspec.structs import replace

from tidemill_contracts import job_events as ev
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, JobStatus, OnError, StepStatus
from tidemill_contracts.work import Ending, Failed, Released, Stopped, Succeeded
from tidemill_jobs import flow, lifecycle
from tidemill_jobs.endings import (
    bounded,
    end_failed,
    end_succeeded,
    finish_attempt,
    give_up,
    record,
    settle_cancel,
    tell_status,
)
from tidemill_jobs.lifecycle import CRASH_LOOP
from tidemill_jobs.records import Facts, JobRecord, StepRecord, TaskRecord, TaskStatus

BACK_OFF_S = 2.0
BACK_OFF_CAP_S = 300.0
# how often each kind of failure is tried again; transient ones have the job's own limit
BUDGETS = {
    FailureKind.DATA: 0,
    FailureKind.TIMEOUT: 1,
    FailureKind.CRASH: CRASH_LOOP - 1,
    FailureKind.WORKER_LOST: CRASH_LOOP - 1,
    FailureKind.INFRASTRUCTURE: 10,
}
# these count only while nothing else comes between
IN_A_ROW = (FailureKind.CRASH, FailureKind.WORKER_LOST)
OUT_OF_MEMORY = "out_of_memory"
INCOMPLETE = Failed(
    failure=FailureKind.CRASH,
    error=JobError(code="outputs_missing", message="the worker ended without every output"),
)
STOPPED = JobError(code="stopped", message="the worker stopped the attempt by itself")
_ON_ITS_WAY = (TaskStatus.QUEUED, TaskStatus.DISPATCHED, TaskStatus.RUNNING)


def conclude(job: JobRecord, task: TaskRecord, ending: Ending, facts: Facts) -> None:
    """Close the attempt and decide how its task goes on."""
    match ending:
        case Succeeded() if flow.remaining(job, task):
            conclude(job, task, INCOMPLETE, facts)
        case Succeeded():
            finish_attempt(job, task, "succeeded", facts.now)
            _done(job, task, facts)
        case Failed():
            error = bounded(ending.error)
            finish_attempt(job, task, "failed", facts.now, error)
            _failed(job, task, replace(ending, error=error), facts)
        case Released():
            finish_attempt(job, task, "released", facts.now)
            lifecycle.returned(job, task, ending.reason, facts)
        case Stopped():
            finish_attempt(job, task, "stopped", facts.now)
            _stopped(job, task, ending, facts)


def back_off_s(failures: int, jitter: float) -> float:
    """Full jitter on 2 s·2ⁿ, at most 5 min (Brooker, "Exponential Backoff And Jitter", 2015)."""
    return jitter * min(BACK_OFF_CAP_S, BACK_OFF_S * 2 ** min(failures, 16))


def break_rows(task: TaskRecord, ending: Ending | None) -> None:
    """Whatever else is heard of an attempt, crashes are not in a row any more."""
    kind = ending.failure if isinstance(ending, Failed) else None
    for each in IN_A_ROW:
        if each is not kind:
            task.failures.pop(each.value, None)


def _done(job: JobRecord, task: TaskRecord, facts: Facts) -> None:
    task.status = TaskStatus.DONE
    if all(other.status is TaskStatus.DONE for other in job.tasks):
        end_succeeded(job, facts.now)
    elif job.status is JobStatus.CANCELLING:
        settle_cancel(job, facts.now)
    else:
        lifecycle.queue_ready(job, facts)
        waiting = not any(other.status in _ON_ITS_WAY for other in job.tasks)
        if waiting and not job.status.is_final:
            tell_status(job, JobStatus.RETRYING)


def _failed(job: JobRecord, task: TaskRecord, ending: Failed, facts: Facts) -> None:
    step = _failing_step(job, task, ending)
    error = replace(ending.error, step=step.name)
    count = task.failures.get(ending.failure.value, 0) + 1
    task.failures[ending.failure.value] = count
    allowed = BUDGETS.get(ending.failure, job.max_attempts - 1)
    record(
        job,
        ev.JobStepFailed,
        facts.now,
        step=step.name,
        attempt=task.attempt,
        error=error,
        final=count > allowed,
    )
    if job.status is JobStatus.CANCELLING and count <= allowed:
        task.status = TaskStatus.CANCELLED
        settle_cancel(job, facts.now)
    elif count <= allowed:
        _retry(job, task, ending, error, facts)
    else:
        step.status, step.error = StepStatus.FAILED, error
        _exhausted(job, task, step, ending, facts)


def _exhausted(
    job: JobRecord,
    task: TaskRecord,
    step: StepRecord,
    ending: Failed,
    facts: Facts,
) -> None:
    """Go on without a step that may fail, else fail the job."""
    error = replace(ending.error, step=step.name)
    if step.on_error is OnError.CONTINUE:
        _go_on(job, task, facts)
        return
    task.status = TaskStatus.FAILED
    if ending.failure is FailureKind.DATA:
        end_failed(job, error, facts.now)
    elif ending.failure in IN_A_ROW and error.code != OUT_OF_MEMORY:
        message = f"{CRASH_LOOP} times in a row: {error.message}"
        give_up(job, "crash_loop", replace(error, code="crash_loop", message=message), facts.now)
    else:
        give_up(job, "attempts_exhausted", error, facts.now)


def _go_on(job: JobRecord, task: TaskRecord, facts: Facts) -> None:
    """A failed step that may fail counts as one that gave nothing; the next has its own retries."""
    task.failures.clear()
    task.checkpoint = None
    if not flow.remaining(job, task):
        _done(job, task, facts)
    elif job.status is JobStatus.CANCELLING:
        task.status = TaskStatus.CANCELLED
        settle_cancel(job, facts.now)
    else:
        lifecycle.requeue(job, task, facts.now)


def _retry(
    job: JobRecord,
    task: TaskRecord,
    ending: Failed,
    error: JobError,
    facts: Facts,
) -> None:
    count = task.failures[ending.failure.value]
    wait_s = back_off_s(count - 1, facts.jitter)
    if ending.retry_after_s is not None:
        wait_s = min(max(ending.retry_after_s, 0.0), job.timeouts.total_s)
    task.status, task.next_at = TaskStatus.RETRYING, facts.now + timedelta(seconds=wait_s)
    task.lease_until = None
    job.next_attempt_at = lifecycle.next_attempt(job)
    first = job.next_attempt_at
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
        first_attempt_at=UNSET if first is None or first == task.next_at else first,
        status=UNSET if job.status is JobStatus.RETRYING else job.status,
    )


def _stopped(job: JobRecord, task: TaskRecord, ending: Stopped, facts: Facts) -> None:
    task.status = TaskStatus.KILLED if ending.killed else TaskStatus.CANCELLED
    if job.status is JobStatus.CANCELLING:
        settle_cancel(job, facts.now)
    else:
        end_failed(job, STOPPED, facts.now)


def _failing_step(job: JobRecord, task: TaskRecord, ending: Failed) -> StepRecord:
    left = flow.remaining(job, task)
    named = next((step for step in left if step.name == ending.error.step), None)
    return named or (left[0] if left else job.steps[task.steps[-1]])
