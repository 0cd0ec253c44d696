"""What may happen to a job, and what that makes of it: decisions without I/O.

Each function changes the record it is given and adds the events that tell of it; whoever calls
has locked the job's row. Two rules stand above all others: an ending is never left, and only the
attempt that owns a task may change it (attempt and run_id, never how often an order came).
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from tidemill_contracts import job_events as ev
from tidemill_contracts.datasets import DatasetStatus
from tidemill_contracts.ids import moment_of
from tidemill_contracts.jobs import (
    Cancel,
    CancelJob,
    CancelOutcome,
    JobError,
    JobStatus,
    StepStatus,
)
from tidemill_contracts.work import ClaimAnswer, ClaimOutcome, ClaimTask
from tidemill_jobs import deadlines, flow
from tidemill_jobs.endings import (
    MAX_REASON,
    end_cancelled,
    end_failed,
    finish_attempt,
    give_up,
    new_attempt,
    record,
    settle_cancel,
)
from tidemill_jobs.obstacles import obstacle
from tidemill_jobs.records import Facts, JobRecord, TaskRecord, TaskStatus
from tidemill_jobs.shown import public_step
from tidemill_kit.errors import Conflict

CANCEL_SLACK_S = 6.0
CRASH_LOOP = 3
# orders that nobody claims do not count: NATS may be away for long
MAX_DISPATCHES = 20
RETURNED = "returned"
JOIN_TOO_LARGE = JobError(
    code="join_too_large",
    message="the values that this step joins are larger than 512 KiB together",
)
NEVER_READY = (DatasetStatus.REJECTED, DatasetStatus.DELETED)


class JobFinished(Conflict):
    """The job has already finished."""


class JobNotFinished(Conflict):
    """The job has not finished yet."""


def submit(job: JobRecord, facts: Facts) -> None:
    """The first events of a job, and whether it may run at once."""
    ahead = job.run_at is not None and job.run_at > facts.now
    job.status = JobStatus.SCHEDULED if ahead else JobStatus.QUEUED
    record(
        job,
        ev.JobSubmitted,
        facts.now,
        status=job.status,
        steps=[public_step(job.id, step) for step in job.steps],
        created_by=job.created_by,
        dataset_id=job.dataset_id,
        value=job.given.value,
        pipeline=job.pipeline,
        queue=job.queue,
        priority=job.priority,
        labels=job.labels,
        retry_of=job.retry_of,
        run_at=job.run_at,
        concurrency_key=job.concurrency_key,
        created_at=UNSET if job.created_at == moment_of(job.id) else job.created_at,
    )
    deadlines.set_deadline(job)
    if not ahead:
        admit(job, facts)


def admit(job: JobRecord, facts: Facts) -> None:
    """Queue the tasks that can run, or say what the job waits for."""
    dataset = facts.datasets.get(job.dataset_id) if job.dataset_id else None
    if dataset is not None and dataset.status in NEVER_READY and not job.system:
        error = JobError(code="dataset_unusable", message=f"the dataset is {dataset.status.value}")
        end_failed(job, error, facts.now)
        return
    reason = obstacle(job, facts)
    if reason is not None:
        if job.blocked_reason is not reason:
            job.status, job.blocked_reason = JobStatus.BLOCKED, reason
            record(job, ev.JobBlocked, facts.now, reason=reason)
        return
    if dataset is not None and job.given.frame is None and job.given.source is None:
        job.given = flow.with_frame(job.given, dataset.frame)
    job.blocked_reason = None
    queue_ready(job, facts)
    if job.status in (JobStatus.BLOCKED, JobStatus.SCHEDULED):
        job.status = JobStatus.QUEUED
        record(job, ev.JobQueued, facts.now)


def claim(job: JobRecord, asked: ClaimTask, facts: Facts) -> ClaimAnswer:
    """Bind (attempt, run_id) to the order's dispatch, or say why not."""
    task = job.task(asked.task_id)
    if task is None:
        return ClaimAnswer(outcome=ClaimOutcome.GONE)
    if job.status.is_final:
        return ClaimAnswer(outcome=ClaimOutcome.TERMINAL)
    if task.status is TaskStatus.RUNNING and task.run_id == asked.run_id:
        return _granted(job, task)
    if job.status is JobStatus.CANCELLING:
        return ClaimAnswer(outcome=ClaimOutcome.CANCELLED)
    if asked.dispatch != task.dispatch:
        return ClaimAnswer(outcome=ClaimOutcome.GONE)
    if task.status is TaskStatus.RUNNING:
        return ClaimAnswer(outcome=ClaimOutcome.BUSY)
    if task.status is not TaskStatus.DISPATCHED:
        return ClaimAnswer(outcome=ClaimOutcome.GONE)
    if facts.holds_back(job.tenant_id, task.queue):
        # it was paused while the order was out: the task waits like all the others
        task.status = TaskStatus.QUEUED
        return ClaimAnswer(outcome=ClaimOutcome.GONE)
    _start(job, task, asked, facts)
    return _granted(job, task)


def cancel(job: JobRecord, order: CancelJob, now: datetime, by: UUID | None = None) -> bool:
    """Stop a job that has not started, or ask a running one to stop; False changes nothing."""
    if job.status in (JobStatus.CANCELLED, JobStatus.CANCELLING):
        return False
    if job.status.is_final:
        raise JobFinished(job_status=job.status.value)
    job.cancel = Cancel(requested_at=now, reason=order.reason, grace_s=order.grace_s, by=by)
    for task in job.tasks:
        if not task.status.is_over and task.status is not TaskStatus.RUNNING:
            task.status = TaskStatus.CANCELLED
    if any(task.status is TaskStatus.RUNNING for task in job.tasks):
        job.status = JobStatus.CANCELLING
        job.blocked_reason = job.next_attempt_at = None
        job.cancel_deadline = now + timedelta(seconds=order.grace_s + CANCEL_SLACK_S)
        record(job, ev.JobCancelRequested, now, cancel=job.cancel)
    else:
        end_cancelled(job, CancelOutcome.NOT_STARTED, now)
    return True


def revisit(job: JobRecord, facts: Facts) -> None:
    """Make a job true again: what was waited for may be there, whoever worked may be gone."""
    if job.status.is_final:
        return
    for task in job.tasks:
        if task.status is TaskStatus.RUNNING and (reason := deadlines.lost(task, facts)):
            lose(job, task, reason, facts)
    if job.status.is_final or deadlines.over_deadline(job, facts):
        return
    if (
        job.status is JobStatus.SCHEDULED and job.run_at and job.run_at <= facts.now
    ) or job.status is JobStatus.BLOCKED:
        admit(job, facts)
    for task in job.tasks:
        if task.status is TaskStatus.RETRYING and task.next_at and task.next_at <= facts.now:
            requeue(job, task, facts.now)
        if task.status is TaskStatus.DISPATCHED and deadlines.order_is_old(task, facts):
            task.status = TaskStatus.QUEUED


def lose(job: JobRecord, task: TaskRecord, reason: str, facts: Facts) -> None:
    """The worker of this attempt is gone; that burns no retry, but three in a row are enough."""
    lost = task.failures.get("worker_lost", 0) + 1
    task.failures["worker_lost"] = lost
    error = JobError(code="worker_lost", message=reason)
    finish_attempt(job, task, "lost", facts.now, error)
    if lost < CRASH_LOOP or job.status is JobStatus.CANCELLING:
        returned(job, task, reason, facts, cancelled=TaskStatus.LOST)
        return
    _record_lost(job, task, reason, facts)
    task.status = TaskStatus.FAILED
    error = JobError(code="crash_loop", message=f"the worker was lost {lost} times in a row")
    give_up(job, "crash_loop", error, facts.now)


def returned(
    job: JobRecord,
    task: TaskRecord,
    reason: str,
    facts: Facts,
    *,
    cancelled: TaskStatus = TaskStatus.CANCELLED,
) -> None:
    """An order came back without an end of the work; that burns no retry, but cannot go on ever."""
    _record_lost(job, task, reason, facts)
    count = task.failures.get(RETURNED, 0) + 1
    task.failures[RETURNED] = count
    if job.status is JobStatus.CANCELLING:
        task.status = cancelled
        settle_cancel(job, facts.now)
    elif count >= MAX_DISPATCHES:
        task.status = TaskStatus.FAILED
        error = JobError(code="dispatches_exhausted", message=f"it was handed out {count} times")
        give_up(job, "dispatches_exhausted", error, facts.now)
    else:
        requeue(job, task, facts.now)


def _record_lost(job: JobRecord, task: TaskRecord, reason: str, facts: Facts) -> None:
    record(
        job,
        ev.JobAttemptLost,
        facts.now,
        attempt=task.attempt,
        worker=task.worker or "",
        reason=reason[:MAX_REASON],
    )


def requeue(job: JobRecord, task: TaskRecord, now: datetime) -> None:
    """Let a task run again: its next dispatch makes older orders void."""
    task.status = TaskStatus.QUEUED
    task.next_at = task.lease_until = None
    if job.status is not JobStatus.QUEUED and not _running(job):
        job.status, job.next_attempt_at = JobStatus.QUEUED, next_attempt(job)
        record(job, ev.JobQueued, now, next_attempt_at=job.next_attempt_at or UNSET)


def _start(job: JobRecord, task: TaskRecord, asked: ClaimTask, facts: Facts) -> None:
    task.attempt += 1
    task.run_id, task.worker, task.boot_id = asked.run_id, asked.worker, asked.boot_id
    task.stalled = False
    task.lease_until = facts.now + timedelta(seconds=facts.lease_s)
    task.status, task.ordinal = TaskStatus.RUNNING, 0
    job.attempt = max(job.attempt, task.attempt)
    if job.started_at is None:
        job.started_at = facts.now
        deadlines.set_deadline(job)
    job.status, job.blocked_reason = JobStatus.RUNNING, None
    job.next_attempt_at = next_attempt(job)
    left = flow.remaining(job, task)
    if left:
        left[0].status = StepStatus.RUNNING
    job.attempts.append(new_attempt(job, task, facts.now))
    names = [step.name for step in left]
    record(
        job,
        ev.JobStarted,
        facts.now,
        attempt=task.attempt,
        worker=asked.worker,
        steps=names,
        next_attempt_at=job.next_attempt_at or UNSET,
    )


def _granted(job: JobRecord, task: TaskRecord) -> ClaimAnswer:
    return ClaimAnswer(
        outcome=ClaimOutcome.GRANTED,
        attempt=task.attempt,
        work=flow.work(job, task),
    )


def next_attempt(job: JobRecord) -> datetime | None:
    """When the first of the tasks that wait to be tried again is."""
    times = [t.next_at for t in job.tasks if t.status is TaskStatus.RETRYING and t.next_at]
    return min(times, default=None)


def queue_ready(job: JobRecord, facts: Facts) -> None:
    """Queue the tasks whose predecessors are done; a join that holds too much fails the job."""
    over = {task.position for task in job.tasks if task.status is TaskStatus.DONE}
    for task in job.tasks:
        if task.status is TaskStatus.WAITING and over.issuperset(task.needs):
            first = job.steps[task.steps[0]]
            if flow.holds_too_much(job, first):
                end_failed(job, replace(JOIN_TOO_LARGE, step=first.name), facts.now)
                return
            task.status = TaskStatus.QUEUED


def _running(job: JobRecord) -> bool:
    return any(task.status is TaskStatus.RUNNING for task in job.tasks)
