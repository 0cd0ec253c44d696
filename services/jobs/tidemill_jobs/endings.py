"""How a job's events, attempts and endings are written into its record."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from msgspec import UNSET, json
from msgspec.structs import replace

from tidemill_contracts import job_events as ev
from tidemill_contracts.catalogue import encode
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import CancelOutcome, JobError, JobStatus, Result, StepStatus
from tidemill_jobs.fingerprints import fingerprint
from tidemill_jobs.records import AttemptRecord, DeadLetter, JobRecord, TaskRecord, TaskStatus
from tidemill_jobs.shown import job_result

# characters, each of which may take six bytes in an event; but bytes of a traceback
MAX_MESSAGE = 8_000
MAX_REASON = 1_000
MAX_TYPE = 255
MAX_CODE = 63
MAX_TRACEBACK = 64 * 1024
OUTCOMES = (
    (TaskStatus.LOST, CancelOutcome.WORKER_LOST),
    (TaskStatus.KILLED, CancelOutcome.KILLED),
)


def end_cancelled(job: JobRecord, outcome: CancelOutcome, now: datetime) -> None:
    end(job, JobStatus.CANCELLED, now, outcome)
    assert job.cancel is not None  # noqa: S101 - only a cancelled job comes here
    record(job, ev.JobCancelled, now, cancel=job.cancel, **of_system_job(job))


def settle_cancel(job: JobRecord, now: datetime) -> None:
    """End a job under cancel once none of its tasks runs; if all got done, it has succeeded.

    Of several tasks the one that ended worst gives the outcome.
    """
    if any(task.status is TaskStatus.RUNNING for task in job.tasks):
        return
    if all(task.status is TaskStatus.DONE for task in job.tasks):
        end_succeeded(job, now)
    else:
        statuses = {task.status for task in job.tasks}
        worst = (o for status, o in OUTCOMES if status in statuses)
        end_cancelled(job, next(worst, CancelOutcome.COOPERATIVE), now)


def give_up(job: JobRecord, why: str, error: JobError, now: datetime) -> None:
    """Fail a job that has used up its attempts, and file it for somebody to look at."""
    job.dead_letters.append(
        DeadLetter(
            id=uuid7(),
            tenant_id=job.tenant_id,
            job_id=job.id,
            reason=f"{why}: {error.message}"[:MAX_REASON],
        ),
    )
    end_failed(job, error, now)


def bounded(error: JobError) -> JobError:
    """A worker's error with no text longer than is kept; of a traceback the end says most."""
    trace = error.traceback
    if trace is not UNSET and len(trace.encode()) > MAX_TRACEBACK:
        trace = trace.encode()[-MAX_TRACEBACK:].decode(errors="ignore")
    return replace(
        error,
        code=error.code[:MAX_CODE],
        message=error.message[:MAX_MESSAGE],
        type=error.type if error.type is UNSET else error.type[:MAX_TYPE],
        traceback=trace,
    )


def end_failed(job: JobRecord, error: JobError, now: datetime) -> None:
    end(job, JobStatus.FAILED, now, CancelOutcome.TOO_LATE)
    job.error = error
    step = None if error.step is UNSET else job.step(error.step)
    job.failure = fingerprint(error, step.processor if step else "")
    record(
        job,
        ev.JobFailed,
        now,
        attempt=job.attempt,
        error=error,
        cancel=job.cancel,
        **of_system_job(job),
    )


def end_succeeded(job: JobRecord, now: datetime) -> None:
    end(job, JobStatus.SUCCEEDED, now, CancelOutcome.TOO_LATE)
    last = job.steps[-1].kept
    record(
        job,
        ev.JobSucceeded,
        now,
        attempt=job.attempt,
        result=job_result(job),
        progress=job.progress,
        cancel=job.cancel,
        frame=last.frame if job.system and last else None,
        artifacts=last.artifacts if job.system and last else {},
        **of_system_job(job),
    )


def finish_attempt(
    job: JobRecord,
    task: TaskRecord,
    outcome: str,
    now: datetime,
    error: JobError | None = None,
) -> None:
    """Close the attempt's row."""
    row = next((a for a in job.attempts if (a.task_id, a.attempt) == (task.id, task.attempt)), None)
    if row is None:
        row = new_attempt(job, task, now)
        job.attempts.append(row)
    row.finished_at, row.outcome, row.error = now, outcome, error


def new_attempt(job: JobRecord, task: TaskRecord, now: datetime) -> AttemptRecord:
    return AttemptRecord(
        job_id=job.id,
        task_id=task.id,
        attempt=task.attempt,
        tenant_id=job.tenant_id,
        run_id=task.run_id or task.id,
        worker=task.worker or "",
        started_at=now,
    )


def record(job: JobRecord, kind: type[ev.JobEvent], now: datetime, /, **facts: Any) -> None:
    """Add the job's next event."""
    job.seq += 1
    job.updated_at = now
    job.events.append(
        kind(
            tenant_id=job.tenant_id,
            job_id=job.id,
            seq=job.seq,
            at=now,
            system=job.system,
            **facts,
        ),
    )


def tell_status(job: JobRecord, status: JobStatus) -> None:
    """Let the event of a step that was just recorded say what became of the job's status."""
    job.status = status
    if job.events and isinstance(job.events[-1], (ev.JobStepSucceeded, ev.JobStepFailed)):
        job.events[-1] = replace(job.events[-1], status=status)


def end(job: JobRecord, status: JobStatus, now: datetime, outcome: CancelOutcome) -> None:
    job.status, job.finished_at = status, now
    job.blocked_reason = job.cancel_deadline = job.next_attempt_at = job.deadline = None
    for task in job.tasks:
        if task.status is TaskStatus.RUNNING:
            finish_attempt(job, task, status.value, now)
        if not task.status.is_over:
            task.status = TaskStatus.CANCELLED
    for step in job.steps:
        if step.status in (StepStatus.PENDING, StepStatus.RUNNING):
            step.status = StepStatus.CANCELLED
    if job.cancel is not None and job.cancel.outcome is None:
        waited = now - job.cancel.requested_at
        job.cancel = replace(
            job.cancel,
            outcome=outcome,
            latency_ms=max(0, round(waited.total_seconds() * 1000)),
        )


def of_system_job(job: JobRecord) -> dict[str, Any]:
    return {"dataset_id": job.dataset_id} if job.system else {}


def fit(event: ev.JobEvent) -> ev.JobEvent:
    """A too large event made small: for its value stand uri, size and sha256."""
    if isinstance(event, ev.JobSubmitted):
        return _without_inputs(event)
    if isinstance(event, (ev.JobStepSucceeded, ev.JobSucceeded)) and event.result is not None:
        step = f"/steps/{event.step}" if isinstance(event, ev.JobStepSucceeded) else ""
        uri = f"/v1/jobs/{event.job_id}{step}/result"
        return replace(event, result=by_reference(uri, event.result))
    if isinstance(event, (ev.JobStepFailed, ev.JobRetryScheduled, ev.JobFailed)):
        message = event.error.message[:MAX_MESSAGE]
        return replace(event, error=replace(event.error, message=message, traceback=UNSET))
    return event


def _without_inputs(event: ev.JobSubmitted) -> ev.JobSubmitted:
    left_out = ["value", "params", "results"]
    steps = [replace(step, params={}, result=None, error=None) for step in event.steps]
    small = replace(event, value=None, steps=steps, left_out=left_out)
    if len(encode(small)) <= MAX_EVENT_BYTES:
        return small
    steps = [replace(step, needs=[]) for step in steps]
    return replace(small, labels={}, steps=steps, left_out=[*left_out, "labels", "needs"])


def by_reference(uri: str, result: Result) -> Result:
    """A result without its value: uri, size and sha256 stand for it."""
    body = json.encode(result.value)
    return replace(
        result,
        value=UNSET,
        uri=uri,
        media_type="application/json" if result.uri is UNSET else result.media_type,
        size_bytes=len(body) if result.uri is UNSET else result.size_bytes,
        sha256=sha256(body).hexdigest() if result.uri is UNSET else result.sha256,
    )
