"""Collecting what nobody needs any more: reports, and what services ask each other for it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct, field


class Verdict(StrEnum):
    """What the jobs service says of a job's stored objects; it says nothing of unknown jobs.

    `replaced` are those of a table whose dataset was read again.
    """

    KEPT = "kept"
    DELETED = "deleted"
    EXPIRED = "expired"
    REPLACED = "replaced"


class AskVerdicts(Struct, frozen=True):
    """May the stored objects of these jobs go?"""

    job_ids: list[UUID]


class Verdicts(Struct, frozen=True):
    """The answers by job; a job that is not among them has no row."""

    of: dict[UUID, Verdict]


class Collected(Struct, frozen=True):
    """The stored objects of these jobs are gone."""

    job_ids: list[UUID]


class Heap(Struct, frozen=True):
    """What was found of one kind; `examples` are the first few."""

    count: int = 0
    size_bytes: int = 0
    examples: list[str] = field(default_factory=list[str])


class RunCollection(Struct, frozen=True, forbid_unknown_fields=True):
    """Collect now; `dry_run` only says what would go."""

    dry_run: bool = False


class Collection(Struct, frozen=True, kw_only=True):
    """One collection and what it removed, or would have; `error` says why it could not end."""

    id: UUID
    dry_run: bool
    started_at: datetime
    finished_at: datetime | None = None
    found: dict[str, Heap] = field(default_factory=dict[str, Heap])
    error: str | None = None
