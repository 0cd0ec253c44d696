"""Many jobs at once: which are meant, and what shall become of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from tidemill_contracts.jobs import JobStatus

Sought = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00]*$(?!\n)")]


class JobFilter(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs: all that is given must hold; system jobs come only if they are asked for."""

    status: Annotated[list[JobStatus], Meta(max_length=10)] = field(default_factory=list[JobStatus])
    processor: Sought | None = None
    labels: dict[str, Sought] = field(default_factory=dict[str, Sought])
    queue: Sought | None = None
    pipeline: Sought | None = None
    retry_of: UUID | None = None
    system: bool = False
    created_after: Annotated[datetime, Meta(tz=True)] | None = None
    created_before: Annotated[datetime, Meta(tz=True)] | None = None


class BulkOp(StrEnum):
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


class BulkJobs(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Treat all jobs that fit, at most 1,000 for each request; `cursor` goes on."""

    op: BulkOp
    filter: JobFilter
    dry_run: bool = False
    cursor: str | None = None


class BulkDone(Struct, frozen=True, kw_only=True):
    """How many jobs fitted and what became of them: new statuses, or codes of refusals."""

    matched: int
    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    next_cursor: str | None = None
