"""A job with its steps and tasks as the ledger holds them while it decides."""

import sys
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from tidemill_contracts.datasets import DatasetStatus, Frame
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import (
    BlockedReason,
    Cancel,
    JobError,
    JobStatus,
    OnError,
    Progress,
    StepStatus,
    Timeouts,
)
from tidemill_contracts.work import Payload

type Key = tuple[UUID, str]

PARQUET = "application/vnd.apache.parquet"
JSON = "application/json"


class TaskStatus(StrEnum):
    """Where a task stands; `dispatched` has an order out that nobody has claimed yet.

    Of a cancelled job's tasks `killed` was made to stop, and of `lost` nothing was heard.
    """

    WAITING = "waiting"
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    RETRYING = "retrying"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    KILLED = "killed"
    LOST = "lost"

    @property
    def is_out(self) -> bool:
        """Whether an order is out or a worker has it."""
        return self in (TaskStatus.DISPATCHED, TaskStatus.RUNNING)

    @property
    def is_over(self) -> bool:
        return self in _OVER


_OVER = frozenset({"done", "failed", "cancelled", "killed", "lost"})


class StepRecord(Struct, kw_only=True):
    """A step with the output that is kept of it."""

    name: str
    processor: str
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    needs: list[str] = field(default_factory=list[str])
    input: str | None = None
    each: bool = False
    on_error: OnError = OnError.FAIL
    status: StepStatus = StepStatus.PENDING
    error: JobError | None = None
    kept: Payload | None = None
    media_type: str | None = None

    @property
    def gave_nothing(self) -> bool:
        """Whether it has no result; a null that was given on purpose has a media type."""
        return self.kept is None or (self.kept == Payload() and self.media_type is None)


class TaskRecord(Struct, kw_only=True):
    """A run of neighbouring steps that one worker does in one attempt.

    `fair` orders the queued tasks of all tenants; `stalled` says that the silence was told of.
    """

    id: UUID
    job_id: UUID
    tenant_id: UUID
    position: int
    steps: list[int]
    needs: list[int]
    queue: str
    priority: int
    pure: bool
    status: TaskStatus
    attempt: int = 0
    run_id: UUID | None = None
    dispatch: int = 0
    dispatched_at: datetime | None = None
    worker: str | None = None
    boot_id: UUID | None = None
    lease_until: datetime | None = None
    ordinal: int = 0
    failures: dict[str, int] = field(default_factory=dict[str, int])
    next_at: datetime | None = None
    checkpoint: Any = None
    fair: int = 0
    stalled: bool = False


class AttemptRecord(Struct, kw_only=True):
    """One run of a task, kept for good."""

    job_id: UUID
    task_id: UUID
    attempt: int
    tenant_id: UUID
    run_id: UUID
    worker: str
    started_at: datetime
    finished_at: datetime | None = None
    outcome: str | None = None
    error: JobError | None = None


class DeadLetter(Struct, kw_only=True):
    """A job that nobody will try again by itself."""

    id: UUID
    tenant_id: UUID
    job_id: UUID
    kind: str = "job"
    reason: str


class JobRecord(Struct, kw_only=True):
    """A job as stored; `events`, `attempts`, `dead_letters` collect what this transaction adds.

    `size` is that of its order in bytes; for a job that was read it is not known, and large.
    `borrows` names the jobs whose stored objects it uses, too; at `deadline` its time is over.
    """

    id: UUID
    tenant_id: UUID
    created_by: UUID | None = None
    system: bool = False
    status: JobStatus
    blocked_reason: BlockedReason | None = None
    dataset_id: UUID | None = None
    pipeline: str | None = None
    steps: list[StepRecord]
    processors: list[str] = field(default_factory=list[str])
    given: Payload
    progress: Progress | None = None
    error: JobError | None = None
    cancel: Cancel | None = None
    cancel_deadline: datetime | None = None
    attempt: int = 0
    queue: str = "default"
    priority: int = 4
    labels: dict[str, str] = field(default_factory=dict[str, str])
    retry_of: UUID | None = None
    max_attempts: int = 4
    timeouts: Timeouts = field(default_factory=Timeouts)
    concurrency_key: str | None = None
    borrows: list[UUID] | None = None
    failure: str | None = None
    deadline: datetime | None = None
    run_at: datetime | None = None
    next_attempt_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seq: int = 0
    tasks: list[TaskRecord] = field(default_factory=list[TaskRecord])
    events: list[JobEvent] = field(default_factory=list[JobEvent])
    attempts: list[AttemptRecord] = field(default_factory=list[AttemptRecord])
    dead_letters: list[DeadLetter] = field(default_factory=list[DeadLetter])
    size: int = sys.maxsize

    @property
    def key(self) -> Key | None:
        return None if self.concurrency_key is None else (self.tenant_id, self.concurrency_key)

    def task(self, task_id: UUID) -> TaskRecord | None:
        return next((task for task in self.tasks if task.id == task_id), None)

    def step(self, name: str) -> StepRecord | None:
        return next((step for step in self.steps if step.name == name), None)


class DatasetCopy(Struct, frozen=True):
    """The jobs service's copy of a dataset."""

    id: UUID
    tenant_id: UUID
    status: DatasetStatus
    frame: Frame | None


class Facts(Struct, frozen=True, kw_only=True):
    """What decisions rest on besides the job itself; `boots` are the live workers.

    `queues` are those that a live worker fetches from; None where that is not known. `holders`
    are the jobs that hold the concurrency keys locked here; a decision may take a free one.
    `paused` are the queues that nobody's work leaves, `held` those that a tenant's does not.
    """

    now: datetime
    jitter: float
    lease_s: float
    order_s: float
    boots: dict[str, UUID]
    processors: frozenset[str]
    queues: frozenset[str] | None = None
    paused: frozenset[str]
    held: frozenset[tuple[UUID, str]] = frozenset()
    datasets: dict[UUID, DatasetCopy]
    holders: dict[Key, UUID | None] = field(default_factory=dict[Key, UUID | None])

    def holds_back(self, tenant_id: UUID, queue: str) -> bool:
        """Whether nothing of this tenant may start in this queue."""
        return queue in self.paused or (tenant_id, queue) in self.held
