"""What time does to a job: leases, orders and deadlines that are over."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from tidemill_contracts import job_events as ev
from tidemill_contracts.jobs import CancelOutcome, JobError, JobStatus
from tidemill_jobs.endings import end, end_cancelled, end_failed, of_system_job, record
from tidemill_jobs.records import Facts, JobRecord, TaskRecord, TaskStatus

# beyond it there is no time to compute with
LAST_YEAR = 9998
QUEUE_TTL = JobError(code="queue_ttl", message="the job waited longer than it was allowed to")
TOTAL_TIMEOUT = JobError(
    code="total_timeout",
    message="the job took longer than it was allowed to",
)


def set_deadline(job: JobRecord) -> None:
    """Until it starts a job may wait so long; from then on it may take so long, however often."""
    if job.started_at is None:
        since = max(job.created_at, job.run_at or job.created_at)
        wait = timedelta(seconds=job.timeouts.queue_s)
        job.deadline = since + wait if since.year < LAST_YEAR else None
    else:
        job.deadline = job.started_at + timedelta(seconds=job.timeouts.total_s)


def over_deadline(job: JobRecord, facts: Facts) -> bool:
    """End a job whose time is over: a silent cancel, the queue's TTL, the total."""
    if job.cancel_deadline is not None and job.cancel_deadline < facts.now:
        end_cancelled(job, CancelOutcome.WORKER_LOST, facts.now)
        return True
    if job.deadline is None or job.deadline >= facts.now:
        return False
    if job.started_at is None:
        end(job, JobStatus.EXPIRED, facts.now, CancelOutcome.TOO_LATE)
        job.error = QUEUE_TTL
        record(job, ev.JobExpired, facts.now, error=job.error, **of_system_job(job))
    else:
        end_failed(job, TOTAL_TIMEOUT, facts.now)
    return True


def lost(task: TaskRecord, facts: Facts) -> str | None:
    """Why nobody works at a running task any more, if so."""
    boot = facts.boots.get(task.worker or "")
    if boot is not None and boot != task.boot_id:
        return "worker_restarted"
    if task.lease_until is not None and task.lease_until < facts.now:
        return "lease_over"
    return None


def order_is_old(task: TaskRecord, facts: Facts) -> bool:
    limit = timedelta(seconds=facts.order_s)
    return task.dispatched_at is not None and task.dispatched_at + limit < facts.now


def earliest(jobs: Iterable[JobRecord]) -> datetime | None:
    """When the first of these jobs wants to be looked at again."""
    times = [
        moment
        for job in jobs
        if not job.status.is_final
        for moment in (
            job.cancel_deadline,
            job.deadline,
            job.run_at if job.status is JobStatus.SCHEDULED else None,
            *(task.next_at for task in job.tasks if task.status is TaskStatus.RETRYING),
        )
        if moment is not None
    ]
    return min(times, default=None)
