"""Jobs: what is asked for, what the API says of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tidemill_contracts.datasets import Labels

# `$` alone lets a newline through, and names become parts of subjects and keys
Name = Annotated[
    str,
    Meta(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$(?!\n)"),
]
QueueName = Annotated[
    str,
    Meta(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$(?!\n)"),
]
# PostgreSQL has no text with NUL in it
Reason = Annotated[str, Meta(max_length=500)]
ConcurrencyKey = Annotated[str, Meta(min_length=1, max_length=255)]


class JobStatus(StrEnum):
    """Where a job stands; the last four are endings and immutable."""

    SCHEDULED = "scheduled"
    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return self in _ENDINGS


_ENDINGS = frozenset(
    {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED},
)


class StepStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class BlockedReason(StrEnum):
    DATASET = "dataset"
    CONCURRENCY_KEY = "concurrency_key"
    QUEUE_PAUSED = "queue_paused"
    NO_WORKER = "no_worker"


class CancelOutcome(StrEnum):
    """How a cancel ended."""

    NOT_STARTED = "not_started"
    COOPERATIVE = "cooperative"
    KILLED = "killed"
    WORKER_LOST = "worker_lost"
    TOO_LATE = "too_late"


class OnError(StrEnum):
    FAIL = "fail"
    CONTINUE = "continue"


class Result(Struct, frozen=True, kw_only=True):
    """An output: a small value inline, everything else by a stable uri; absent is left out."""

    value: Any | UnsetType = UNSET
    uri: str | UnsetType = UNSET
    media_type: str | UnsetType = UNSET
    size_bytes: int | UnsetType = UNSET
    sha256: str | UnsetType = UNSET
    rows: int | UnsetType = UNSET
    columns: int | UnsetType = UNSET


class JobError(Struct, frozen=True, kw_only=True):
    """Why a step or a job failed; `traceback` holds at most 64 KiB."""

    code: str
    message: str
    step: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    traceback: str | UnsetType = UNSET


class Cancel(Struct, frozen=True, kw_only=True):
    """A cancel with who asked for it, its deadline and, once known, its outcome."""

    requested_at: datetime
    reason: str | None = None
    grace_s: float = 10.0
    outcome: CancelOutcome | None = None
    latency_ms: int | None = None
    by: UUID | None = None


class Progress(Struct, frozen=True, kw_only=True):
    """How far a step is: never an event, monotonic within its attempt."""

    job_id: UUID
    step: str
    attempt: int
    done: float
    total: float | None = None
    unit: str = ""
    at: datetime


class Timeouts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits in seconds, each within the system's maximum."""

    queue_s: Annotated[float, Meta(gt=0, le=604_800)] = 86_400.0
    attempt_s: Annotated[float, Meta(gt=0, le=86_400)] = 1_800.0
    total_s: Annotated[float, Meta(gt=0, le=604_800)] = 21_600.0
    stall_s: Annotated[float, Meta(gt=0, le=86_400)] = 300.0


class StepSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A step as it is asked for; without `needs` it follows the step before it."""

    processor: Name
    name: Name | None = None
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    needs: Annotated[list[Name], Meta(max_length=50)] | None = None
    input: Name | None = None
    each: bool = False
    on_error: OnError = OnError.FAIL
    queue: QueueName | None = None


class RunPipeline(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Run a stored pipeline on a dataset, a value or nothing.

    Of the jobs with the same `concurrency_key` one runs at a time, in the order of submission.
    """

    dataset_id: UUID | None = None
    value: Any = None
    queue: QueueName | None = None
    priority: Annotated[int, Meta(ge=0, le=9)] = 4
    labels: Labels = field(default_factory=dict[str, str])
    run_at: Annotated[datetime, Meta(tz=True)] | None = None
    timeouts: Timeouts = Timeouts()
    max_attempts: Annotated[int, Meta(ge=1, le=20)] = 4
    concurrency_key: ConcurrencyKey | None = None


class SubmitJob(RunPipeline, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A job to run: `steps`, or one `processor` with `params`; on a dataset, a value or nothing.

    Of the jobs with the same `concurrency_key` one runs at a time, in the order of submission.
    """

    steps: Annotated[list[StepSpec], Meta(min_length=1, max_length=50)] | None = None
    processor: Name | None = None
    params: dict[str, Any] | None = None


class SubmitBatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 to 1,000 jobs, each as `POST /v1/jobs` takes it."""

    jobs: list[dict[str, Any]]


class CancelJob(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    reason: Reason | None = None
    grace_s: Annotated[float, Meta(ge=0, le=300)] = 10.0


class RetryJob(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Run a job that ended again, as a new job.

    With `from_step` the outputs of the steps before it are used again; `params` replaces those of
    the steps it names.
    """

    from_step: Name | None = None
    params: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


class Step(Struct, frozen=True, kw_only=True):
    """A step as the API shows it."""

    name: str
    processor: str
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    needs: list[str] = field(default_factory=list[str])
    input: str | None = None
    each: bool = False
    on_error: OnError = OnError.FAIL
    status: StepStatus = StepStatus.PENDING
    result: Result | None = None
    error: JobError | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    """One run of a task, that is of neighbouring steps of a job."""

    job_id: UUID
    task_id: UUID
    attempt: int
    tenant_id: UUID
    run_id: UUID
    worker: str
    started_at: datetime
    finished_at: datetime | None = None
    duration_s: float | None = None
    outcome: str | None = None
    error: JobError | None = None


class Job(Struct, frozen=True, kw_only=True):
    """What the API says of a job; its result is that of its last listed step."""

    id: UUID
    tenant_id: UUID
    status: JobStatus
    blocked_reason: BlockedReason | None = None
    dataset_id: UUID | None = None
    pipeline: str | None = None
    steps: list[Step]
    progress: Progress | None = None
    result: Result | None = None
    error: JobError | None = None
    cancel: Cancel | None = None
    attempt: int = 0
    queue: str = "default"
    priority: int = 4
    labels: dict[str, str] = field(default_factory=dict[str, str])
    retry_of: UUID | None = None
    concurrency_key: str | None = None
    next_attempt_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seq: int
    cursor: str | UnsetType = UNSET


class StorePipeline(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Steps to keep under a name."""

    name: Name
    steps: Annotated[list[StepSpec], Meta(min_length=1, max_length=50)]
    summary: Annotated[str, Meta(max_length=500)] = ""


class Pipeline(Struct, frozen=True, kw_only=True):
    """A stored definition of steps; those without a tenant ship with the system."""

    name: str
    steps: list[StepSpec]
    summary: str = ""
