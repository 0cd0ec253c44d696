"""Datasets: what was uploaded, what ingest made of it, and their events."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tidemill_contracts.event import Event

Label = Annotated[str, Meta(max_length=255)]
LabelKey = Annotated[str, Meta(min_length=1, max_length=63)]
Labels = Annotated[dict[LabelKey, Label], Meta(max_length=32)]


class DatasetStatus(StrEnum):
    UPLOADING = "uploading"
    VALIDATING = "validating"
    READY = "ready"
    REJECTED = "rejected"
    DELETED = "deleted"


class Source(Struct, frozen=True):
    """A stored object: uploaded bytes in the datasets bucket, else a file in the results bucket."""

    key: str
    size_bytes: int
    sha256: str


class Origin(Struct, frozen=True):
    """The step of a job whose frame became a dataset."""

    job_id: UUID
    step: str


class Part(Struct, frozen=True):
    """One Parquet file of a frame."""

    key: str
    rows: int
    size_bytes: int
    sha256: str


class Frame(Struct, frozen=True):
    """A stored table: Parquet parts in order, in the results bucket."""

    parts: list[Part]
    columns: int

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)


class Column(Struct, frozen=True, kw_only=True):
    """A column as ingest found it."""

    name: str
    type: str
    nulls: int = 0


class Ingested(Struct, frozen=True, kw_only=True):
    """What ingest found: the value of an `ingest` job."""

    format: str
    rows: int
    columns: list[Column]
    rejects: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    compression: str | None = None


class DatasetError(Struct, frozen=True):
    """Why a dataset was rejected."""

    code: str
    message: str


class Dataset(Struct, frozen=True, kw_only=True):
    """What the API says of a dataset; `rows` and `columns` are known once it is ready.

    One that was not uploaded but saved from a job's result names its `origin`.
    """

    id: UUID
    name: str
    status: DatasetStatus
    format: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    rows: int | None = None
    columns: list[Column] | None = None
    labels: dict[str, str] = field(default_factory=dict[str, str])
    error: DatasetError | UnsetType = UNSET
    origin: Origin | UnsetType = UNSET
    created_at: datetime
    updated_at: datetime
    seq: int
    cursor: str | UnsetType = UNSET


class KnownDataset(Struct, frozen=True, kw_only=True):
    """What ingestion answers to AskDataset; without a status it is not the tenant's."""

    status: DatasetStatus | None = None
    frame: Frame | None = None
    origin: Origin | None = None


class RenameDataset(Struct, frozen=True, forbid_unknown_fields=True):
    """What may change of a dataset: its name and its labels."""

    name: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET


class DatasetEvent(Event, frozen=True, kw_only=True):
    dataset_id: UUID

    @property
    def key(self) -> UUID:
        return self.dataset_id


class DatasetCreated(DatasetEvent, frozen=True, kw_only=True, tag="dataset.created"):
    """A dataset has a name; its bytes are still to come, from an upload or from its origin."""

    name: str
    labels: dict[str, str] = field(default_factory=dict[str, str])
    origin: Origin | None = None


class DatasetUploaded(DatasetEvent, frozen=True, kw_only=True, tag="dataset.uploaded"):
    """All bytes are stored; ingest may begin."""

    name: str
    object_key: str
    size_bytes: int
    sha256: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])


class DatasetReady(DatasetEvent, frozen=True, kw_only=True, tag="dataset.ready"):
    """The dataset is typed Parquet and may be used."""

    frame: Frame
    ingested: Ingested
    job_id: UUID


class DatasetRejected(DatasetEvent, frozen=True, kw_only=True, tag="dataset.rejected"):
    """The bytes could not become a dataset."""

    error: DatasetError
    job_id: UUID | None = None


class DatasetDeleted(DatasetEvent, frozen=True, kw_only=True, tag="dataset.deleted"):
    """The dataset is gone."""
