"""Where data came from and what became of it; and what services ask each other for that."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field

from tidemill_contracts.datasets import DatasetStatus, Frame, Labels, Origin, Source
from tidemill_contracts.jobs import JobStatus


class SaveResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The dataset that a job's frame is to become."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    labels: Labels = field(default_factory=dict[str, str])


class LineageDataset(Struct, frozen=True, kw_only=True):
    """A dataset of a lineage; the name is null while ingestion cannot be asked."""

    id: UUID
    name: str | None = None
    status: DatasetStatus
    origin: Origin | None = None


class LineageJob(Struct, frozen=True, kw_only=True):
    """A job of a lineage, with the dataset that it read."""

    id: UUID
    status: JobStatus
    processors: list[str]
    pipeline: str | None = None
    dataset_id: UUID | None = None
    retry_of: UUID | None = None
    created_at: datetime


class Lineage(Struct, frozen=True, kw_only=True):
    """All that something was made of, and all that was made of it, oldest first.

    A job names the dataset it read, a dataset the job it came from. Not `complete` where there is
    more than is shown; a job that was deleted is missing.
    """

    datasets: list[LineageDataset]
    jobs: list[LineageJob]
    complete: bool = True


class AskLineage(Struct, frozen=True, kw_only=True):
    """Ingestion asks the jobs service what it knows around a dataset."""

    tenant_id: UUID
    dataset_id: UUID


class AskNames(Struct, frozen=True, kw_only=True):
    """The jobs service asks ingestion for the names of datasets."""

    tenant_id: UUID
    dataset_ids: list[UUID]


class RegisterDataset(Struct, frozen=True, kw_only=True):
    """The jobs service asks ingestion to make a dataset of a frame that a job keeps."""

    tenant_id: UUID
    user_id: UUID
    order: SaveResult
    origin: Origin
    size_bytes: int
    key: str | None = None


class Registered(Struct, frozen=True, kw_only=True):
    """The answer to a client: the dataset, or the problem with its status."""

    status: int
    body: Any
    replayed: bool = False


class AskExport(Struct, frozen=True, kw_only=True):
    """Ingestion asks the jobs service for a dataset's frame as one file of another format."""

    tenant_id: UUID
    dataset_id: UUID
    frame: Frame
    format: str
    safe: bool = False
    wait_s: float


class Exported(Struct, frozen=True, kw_only=True):
    """The file, once it is made; else the job that makes it, or why it could not."""

    job_id: UUID
    file: Source | None = None
    failed: str | None = None
    code: str | None = None
