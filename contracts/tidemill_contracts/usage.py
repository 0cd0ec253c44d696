"""How much a tenant has of what is limited."""

from uuid import UUID

from msgspec import Struct


class Amount(Struct, frozen=True):
    """What is there, and what may be; without a limit nobody counts."""

    used: int
    limit: int | None = None


class Usage(Struct, frozen=True, kw_only=True):
    """A tenant's usage; what is not known at the moment is null.

    `storage_bytes` are those of datasets, those in the trash too, and of uploads under way.
    """

    storage_bytes: Amount
    datasets: Amount
    open_uploads: Amount
    open_jobs: Amount | None = None


class AskUsage(Struct, frozen=True):
    """What does this tenant have?"""

    tenant_id: UUID


class JobUsage(Struct, frozen=True):
    """What the jobs service knows: how many jobs have not ended."""

    open_jobs: int
