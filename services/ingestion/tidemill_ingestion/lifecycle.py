"""Datasets: pure decisions about what may happen to one and which events that makes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, convert, field
from msgspec.structs import replace

from tidemill_contracts import catalogue
from tidemill_contracts.datasets import (
    Column,
    Dataset,
    DatasetCreated,
    DatasetError,
    DatasetReady,
    DatasetRejected,
    DatasetStatus,
    DatasetUploaded,
    Frame,
    Ingested,
    Origin,
    Source,
    detected,
)
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import JobCancelled, JobExpired, JobFailed, JobSucceeded
from tidemill_contracts.lineage import RegisterDataset
from tidemill_kit.errors import Conflict, NotFound

MAX_MESSAGE_CHARACTERS = 2_000
DERIVED = frozenset(
    {"error", "cursor", "deduplicated_from", "detected", "origin", "restorable_until"}
)


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
        """The typed table; DatasetNotReady before there is one."""
        if self.status is not DatasetStatus.READY or self.frame is None:
            raise DatasetNotReady(dataset_status=self.status.value)
        return self.frame

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
    """Its bytes are there, and are to be read as its options say."""
    return DatasetUploaded(
        dataset_id=dataset.id,
        tenant_id=dataset.tenant_id,
        seq=dataset.seq,
        at=dataset.updated_at,
        name=dataset.name,
        object_key=dataset.object_key,
        size_bytes=dataset.size_bytes or 0,
        sha256=dataset.sha256 or "",
        options=dataset.options,
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


def ready(
    dataset: StoredDataset,
    done: JobSucceeded,
    ingested: Ingested,
    frame: Frame,
) -> tuple[StoredDataset, DatasetReady]:
    """A finished ingest makes the dataset ready; its event leaves out too many columns."""
    seq = dataset.seq + 1
    event = DatasetReady(
        dataset_id=dataset.id,
        tenant_id=dataset.tenant_id,
        seq=seq,
        at=done.at,
        frame=frame,
        ingested=ingested,
        job_id=done.job_id,
    )
    if len(catalogue.encode(event)) > MAX_EVENT_BYTES:
        event = replace(event, ingested=replace(ingested, columns=[]))
    changed = replace(
        dataset,
        status=DatasetStatus.READY,
        format=ingested.format,
        rows=frame.rows,
        columns=ingested.columns,
        frame=frame,
        ingested=ingested,
        artifacts=done.artifacts,
        job_id=done.job_id,
        updated_at=done.at,
        seq=seq,
    )
    return changed, event


def reject(
    dataset: StoredDataset,
    ended: JobFailed | JobCancelled | JobExpired,
) -> tuple[StoredDataset, DatasetRejected]:
    """An ingest that ended otherwise rejects the dataset, with the reason."""
    seq, error = dataset.seq + 1, reason(ended)
    event = DatasetRejected(
        dataset_id=dataset.id,
        tenant_id=dataset.tenant_id,
        seq=seq,
        at=ended.at,
        error=error,
        job_id=ended.job_id,
    )
    changed = replace(
        dataset,
        status=DatasetStatus.REJECTED,
        error=error,
        job_id=ended.job_id,
        updated_at=ended.at,
        seq=seq,
    )
    return changed, event


def reason(ended: JobFailed | JobCancelled | JobExpired) -> DatasetError:
    match ended:
        case JobCancelled():
            return DatasetError("ingest_cancelled", "Ingest was cancelled.")
        case JobExpired():
            return DatasetError("ingest_expired", "Ingest waited longer than allowed.")
        case JobFailed():
            return DatasetError(ended.error.code, ended.error.message[:MAX_MESSAGE_CHARACTERS])


def found(done: JobSucceeded) -> Ingested | None:
    """What ingest says it found; None where that was too large for the event."""
    value = done.result.value if done.result else UNSET
    return None if value is UNSET else convert(value, Ingested)
