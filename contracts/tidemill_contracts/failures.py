"""Failed jobs by what they have in common, and what nobody tries again by itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct


class Failure(Struct, frozen=True, kw_only=True):
    """Failed jobs with the same processor, code, type and, but for numbers and names, message."""

    fingerprint: str
    processor: str | None
    code: str
    type: str | None
    message: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    example_job_id: UUID


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A job that used up its attempts, or an event that its consumer could not apply.

    `body` stands in a single letter only. Without a tenant it is the administrator's.
    """

    id: UUID
    tenant_id: UUID | None
    kind: str
    reason: str
    created_at: datetime
    job_id: UUID | None = None
    subject: str | None = None
    body: Any = None
    redriven_as: UUID | None = None


class Redriven(Struct, frozen=True, kw_only=True):
    """What became of a letter: the new job's id, or none where an event was handed again."""

    id: UUID
    kind: str
    job_id: UUID | None = None
