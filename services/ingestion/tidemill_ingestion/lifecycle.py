"""Datasets: what there is to know of one, and the pure decisions by which it begins."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field

from tidemill_contracts.datasets import (
    Column,
    Dataset,
    DatasetCreated,
    DatasetError,
    DatasetStatus,
    DatasetUploaded,
    Frame,
    Ingested,
    Origin,
    Reading,
    Source,
    detected,
)
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import uuid7
from tidemill_contracts.lineage import RegisterDataset
from tidemill_kit.errors import Conflict, NotFound

DERIVED = frozenset(
    {"error", "cursor", "deduplicated_from", "detected", "options", "origin", "reading"}
    | {"restorable_until"}
)
WITH_TABLE = (DatasetStatus.READY, DatasetStatus.VALIDATING)


class DatasetNotFound(NotFound):
    """There is no such dataset."""


class DatasetNotReady(Conflict):
    """The dataset is not ready."""


class NoRejects(NotFound):
    """All rows of this dataset could be used."""


class StoredDataset(Struct, frozen=True, kw_only=True):
    """A dataset with what only services need to know of it."""

    id: UUID
    tenant_id: UUID
    created_by: UUID
    name: str
    status: DatasetStatus
    format: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    rows: int | None = None
    columns: list[Column] | None = None
    labels: dict[str, str] = field(default_factory=dict[str, str])
    error: DatasetError | None = None
    object_key: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    frame: Frame | None = None
    ingested: Ingested | None = None
    artifacts: dict[str, Source] = field(default_factory=dict[str, Source])
    origin: Origin | None = None
    reading: Reading | None = None
    job_id: UUID | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    trashed_as: DatasetStatus | None = None
    purge_at: datetime | None = None
    purged_at: datetime | None = None
    seq: int

    def shown(
        self,
        cursor: str | UnsetType = UNSET,
        *,
        deduplicated_from: UUID | None = None,
    ) -> Dataset:
        """What the API says of it."""
        names = [name for name in Dataset.__struct_fields__ if name not in DERIVED]
        same: dict[str, Any] = {name: getattr(self, name) for name in names}
        return Dataset(
            **same,
            detected=UNSET if self.ingested is None else detected(self.ingested),
            options=self.options or UNSET,
            reading=self.reading or UNSET,
            error=self.error or UNSET,
            origin=self.origin or UNSET,
            cursor=cursor,
            deduplicated_from=deduplicated_from or UNSET,
            restorable_until=self.purge_at or UNSET,
        )

    def artifact(self, name: str) -> str:
        """The key of something that ingest left beside the frame; DatasetNotReady before that."""
        folder = self.table().parts[0].key.rpartition("/")[0]
        return f"{folder}/{name}"

    def table(self) -> Frame:
        """The typed table, the former one while it is read again; DatasetNotReady without one."""
        if self.status not in WITH_TABLE or self.frame is None:
            raise DatasetNotReady(dataset_status=self.status.value)
        return self.frame

    def is_read_by(self, job_id: UUID) -> bool:
        """Whether it waits for this job's ending."""
        if self.status is not DatasetStatus.VALIDATING:
            return False
        return self.reading is None or self.reading.job_id == job_id

    def only_part(self) -> Source | None:
        """The whole table as one Parquet file; None where it has more."""
        part, *others = self.table().parts
        return None if others else Source(part.key, part.size_bytes, part.sha256)

    def rejects(self) -> str:
        """The key of what could not be used, rows and nulled values; NoRejects without any."""
        key = self.artifact("rejects.ndjson")
        if self.ingested is None or not (self.ingested.rejects or self.ingested.nulled):
            raise NoRejects
        return key


class Owner(Struct, frozen=True):
    """Whose an upload is."""

    tenant_id: UUID
    user_id: UUID


class Upload(Struct, frozen=True, kw_only=True):
    """Stored bytes and what their uploader says of them."""

    id: UUID
    name: str
    labels: dict[str, str]
    options: dict[str, Any]
    object_key: str
    size_bytes: int
    sha256: str


def object_key(tenant_id: UUID, dataset_id: UUID) -> str:
    """Where the bytes lie; nothing in it comes from outside."""
    return f"{tenant_id.hex}/{dataset_id.hex}/raw"


def create(
    upload: Upload,
    owner: Principal | Owner,
    moment: datetime,
) -> tuple[StoredDataset, DatasetCreated, DatasetUploaded]:
    """The dataset that stored bytes become, and what to tell of it."""
    dataset = StoredDataset(
        id=upload.id,
        tenant_id=owner.tenant_id,
        created_by=owner.user_id,
        name=upload.name,
        status=DatasetStatus.VALIDATING,
        size_bytes=upload.size_bytes,
        sha256=upload.sha256,
        labels=upload.labels,
        object_key=upload.object_key,
        options=upload.options,
        created_at=moment,
        updated_at=moment,
        seq=2,
    )
    about: dict[str, Any] = {"dataset_id": upload.id, "tenant_id": owner.tenant_id, "at": moment}
    created = DatasetCreated(**about, seq=1, name=upload.name, labels=upload.labels)
    return dataset, created, uploaded(dataset)


def uploaded(dataset: StoredDataset) -> DatasetUploaded:
    """Its bytes are there, and are to be read as its options say, or those of its reading."""
    reading = dataset.reading
    return DatasetUploaded(
        id=reading.job_id if reading else uuid7(),
        dataset_id=dataset.id,
        tenant_id=dataset.tenant_id,
        seq=dataset.seq,
        at=dataset.updated_at,
        name=dataset.name,
        object_key=dataset.object_key,
        size_bytes=dataset.size_bytes or 0,
        sha256=dataset.sha256 or "",
        options=reading.options if reading else dataset.options,
    )


def register(
    asked: RegisterDataset,
    name: str,
    labels: dict[str, str],
    moment: datetime,
) -> tuple[StoredDataset, DatasetCreated]:
    """The dataset that a job's frame becomes, and what to tell of it."""
    dataset_id = uuid7()
    dataset = StoredDataset(
        id=dataset_id,
        tenant_id=asked.tenant_id,
        created_by=asked.user_id,
        name=name,
        status=DatasetStatus.VALIDATING,
        size_bytes=asked.size_bytes,
        labels=labels,
        object_key=object_key(asked.tenant_id, dataset_id),
        origin=asked.origin,
        created_at=moment,
        updated_at=moment,
        seq=1,
    )
    created = DatasetCreated(
        dataset_id=dataset_id,
        tenant_id=asked.tenant_id,
        at=moment,
        seq=1,
        name=name,
        labels=labels,
        origin=asked.origin,
    )
    return dataset, created
