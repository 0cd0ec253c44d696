"""What the jobs service and its workers say to each other."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field

from tidemill_contracts.datasets import Frame, Source
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, Progress
from tidemill_contracts.processors import ProcessorInfo

MAX_INLINE_BYTES = 256 * 1024
WorkerName = Annotated[str, Meta(max_length=255)]

Artifacts = dict[str, Source]


class Payload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What flows between steps: a value, a frame or both; a large value lies in S3.

    `artifacts` are the files that a step left beside its output; they go no further.
    """

    value: Any = None
    value_ref: Source | None = None
    frame: Frame | None = None
    source: Source | None = None
    artifacts: Artifacts = {}


class WorkStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step of a task as the worker runs it."""

    name: str
    processor: str
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    each: bool = False


class Work(Struct, frozen=True, kw_only=True):
    """What an attempt has to do: the steps not kept yet, in order, and what the first one gets."""

    steps: list[WorkStep]
    given: Payload
    timeout_s: float
    checkpoint: Any = None


class RunTask(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The order on WORK; tasks of pure steps carry their work, so that they may run at once."""

    task_id: UUID
    job_id: UUID
    tenant_id: UUID
    dispatch: int
    work: Work | None = None


class ClaimTask(Struct, frozen=True, kw_only=True):
    """A worker asks to own the next attempt; it draws `run_id`."""

    task_id: UUID
    job_id: UUID
    dispatch: int
    run_id: UUID
    worker: WorkerName
    boot_id: UUID


class ClaimOutcome(StrEnum):
    GRANTED = "granted"
    BUSY = "busy"
    GONE = "gone"
    TERMINAL = "terminal"
    CANCELLED = "cancelled"


class ClaimAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`work` stands only in a granted claim; on `busy` leave the order alone, else ack it."""

    outcome: ClaimOutcome
    attempt: int = 0
    work: Work | None = None


class StepOutput(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step gave; a step that gave nothing passes on what it got."""

    step: str
    payload: Payload
    media_type: str | None = None
    progress: Progress | None = None


class Succeeded(Struct, frozen=True, tag="succeeded", tag_field="kind"):
    """All steps of the task are done."""


class Failed(Struct, frozen=True, kw_only=True, tag="failed", tag_field="kind"):
    """A step of the task failed."""

    failure: FailureKind
    error: JobError
    retry_after_s: float | None = None


class Released(Struct, frozen=True, kw_only=True, tag="released", tag_field="kind"):
    """The worker hands the attempt back; it burns no retry."""

    reason: str


class Stopped(Struct, frozen=True, kw_only=True, tag="stopped", tag_field="kind"):
    """The attempt ended because it was cancelled."""

    killed: bool = False


Ending = Succeeded | Failed | Released | Stopped


class ReportTask(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Outputs and perhaps the end of an attempt; `claim` makes it claim and report at once."""

    task_id: UUID
    job_id: UUID
    attempt: int
    run_id: UUID
    ordinal: int
    outputs: list[StepOutput] = field(default_factory=list[StepOutput])
    ending: Ending | None = None
    claim: ClaimTask | None = None
    checkpoint: Any = None


class ReportOutcome(StrEnum):
    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    SUPERSEDED = "superseded"
    TERMINAL = "terminal"


class Held(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt that a worker owns, and for how long it has shown no progress."""

    task_id: UUID
    job_id: UUID
    attempt: int
    run_id: UUID
    idle_s: float = 0.0


class Beat(Struct, frozen=True, kw_only=True):
    """A sign of life for all tasks of a worker."""

    worker: WorkerName
    boot_id: UUID
    held: list[Held]


class BeatOutcome(StrEnum):
    OK = "ok"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class Announce(Struct, frozen=True, kw_only=True):
    """A worker says who it is and what it can do; a new boot ends the older boot's leases.

    `engines` are those of the queues that it takes for another engine than Polars.
    """

    worker: WorkerName
    boot_id: UUID
    slots: int
    processors: list[ProcessorInfo] = field(default_factory=list[ProcessorInfo])
    engines: dict[str, str] = field(default_factory=dict[str, str])
    leaving: bool = False


class CancelTask(Struct, frozen=True, kw_only=True):
    """Tell whoever runs this attempt to stop within `grace_s` seconds."""

    task_id: UUID
    job_id: UUID
    attempt: int
    run_id: UUID
    grace_s: float


class WorkerInfo(Struct, frozen=True, kw_only=True):
    """A worker as the API lists it; `live` ones have spoken within the last half minute."""

    name: str
    boot_id: UUID
    live: bool = False
    slots: int
    busy: int = 0
    queues: list[str] = field(default_factory=list[str])
    processors: list[str]
    last_seen_at: datetime
