"""What happens to a job, as numbered events."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType, field

from tidemill_contracts.datasets import Frame, Source
from tidemill_contracts.event import Event, type_of
from tidemill_contracts.jobs import (
    BlockedReason,
    Cancel,
    JobError,
    JobStatus,
    Progress,
    Result,
    Step,
)


class FailureKind(StrEnum):
    """Why an attempt ended; each kind has a retry budget of its own."""

    TRANSIENT = "transient"
    DATA = "data"
    TIMEOUT = "timeout"
    CRASH = "crash"
    WORKER_LOST = "worker_lost"
    INFRASTRUCTURE = "infrastructure"


class JobEvent(Event, frozen=True, kw_only=True):
    """An event of a job; those of system jobs have a subject that others need not read."""

    job_id: UUID
    system: bool = False

    @property
    def key(self) -> UUID:
        return self.job_id

    @property
    def subject(self) -> str:
        plain = f"tm.event.{self.tenant_id.hex}.{type_of(type(self))}"
        return f"{plain}.system" if self.system else plain


class JobSubmitted(JobEvent, frozen=True, kw_only=True, tag="job.submitted"):
    """The job is accepted and will not be lost; it is queued or, with `run_at` ahead, scheduled.

    `created_at` stands here where it is not the moment in the job's id; `left_out` names what was
    too large for the event.
    """

    status: JobStatus = JobStatus.QUEUED
    steps: list[Step]
    created_by: UUID | None = None
    dataset_id: UUID | None = None
    value: Any = None
    pipeline: str | None = None
    queue: str = "default"
    priority: int = 4
    labels: dict[str, str] = field(default_factory=dict[str, str])
    retry_of: UUID | None = None
    run_at: datetime | None = None
    concurrency_key: str | None = None
    created_at: datetime | UnsetType = UNSET
    left_out: list[str] | UnsetType = UNSET


class JobQueued(JobEvent, frozen=True, kw_only=True, tag="job.queued"):
    """A job that had to wait, or to run again, misses nothing but a free slot.

    `next_attempt_at` is that of the job's other tasks, if there is one.
    """

    next_attempt_at: datetime | UnsetType = UNSET


class JobBlocked(JobEvent, frozen=True, kw_only=True, tag="job.blocked"):
    """The job waits for something that is not a slot."""

    reason: BlockedReason


class JobStarted(JobEvent, frozen=True, kw_only=True, tag="job.started"):
    """A worker began an attempt; `next_attempt_at` is that of the job's other tasks."""

    attempt: int
    worker: str
    steps: list[str]
    next_attempt_at: datetime | UnsetType = UNSET


class JobStepSucceeded(JobEvent, frozen=True, kw_only=True, tag="job.step_succeeded"):
    """A step's output is kept; `status` is that of the job, if this changed it."""

    step: str
    attempt: int
    result: Result | None = None
    progress: Progress | None = None
    status: JobStatus | UnsetType = UNSET


class JobStepFailed(JobEvent, frozen=True, kw_only=True, tag="job.step_failed"):
    """A step ended in an error, for good if it is `final`.

    `status` is that of the job, if this changed it.
    """

    step: str
    attempt: int
    error: JobError
    final: bool | UnsetType = UNSET
    status: JobStatus | UnsetType = UNSET


class JobRetryScheduled(JobEvent, frozen=True, kw_only=True, tag="job.retry_scheduled"):
    """The attempt failed; the next begins at `next_attempt_at`.

    The job is retrying, or has the `status` that stands here because others of its tasks run;
    `first_attempt_at` is that of the task which is due before this one.
    """

    attempt: int
    kind: FailureKind
    error: JobError
    next_attempt_at: datetime
    first_attempt_at: datetime | UnsetType = UNSET
    status: JobStatus | UnsetType = UNSET


class JobAttemptLost(JobEvent, frozen=True, kw_only=True, tag="job.attempt_lost"):
    """The worker fell silent or handed the attempt back; another follows."""

    attempt: int
    worker: str
    reason: str


class JobStalled(JobEvent, frozen=True, kw_only=True, tag="job.stalled"):
    """A running attempt has shown no progress, log line or output for `idle_s` seconds."""

    attempt: int
    step: str = ""
    idle_s: float = 0.0


class JobCancelRequested(JobEvent, frozen=True, kw_only=True, tag="job.cancel_requested"):
    """A running job was told to stop."""

    cancel: Cancel


class JobSucceeded(JobEvent, frozen=True, kw_only=True, tag="job.succeeded"):
    """All steps are done; of a system job also the stored files, for whoever waits for them."""

    attempt: int
    result: Result | None = None
    progress: Progress | None = None
    cancel: Cancel | None = None
    dataset_id: UUID | None = None
    frame: Frame | None = None
    artifacts: dict[str, Source] = field(default_factory=dict[str, Source])


class JobFailed(JobEvent, frozen=True, kw_only=True, tag="job.failed"):
    """The job ended without a result."""

    attempt: int
    error: JobError
    cancel: Cancel | None = None
    dataset_id: UUID | None = None


class JobCancelled(JobEvent, frozen=True, kw_only=True, tag="job.cancelled"):
    """The job was stopped."""

    cancel: Cancel
    dataset_id: UUID | None = None


class JobDeleted(JobEvent, frozen=True, kw_only=True, tag="job.deleted"):
    """A job that had ended was deleted with its results; its events stay for their time."""

    by: UUID | None = None


class JobExpired(JobEvent, frozen=True, kw_only=True, tag="job.expired"):
    """The job waited longer than it was allowed to."""

    error: JobError
    dataset_id: UUID | None = None
