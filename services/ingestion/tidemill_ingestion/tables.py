"""The tables that ingestion owns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    Uuid,
)

from tidemill_contracts import datasets as contracts
from tidemill_contracts.collection import Heap
from tidemill_contracts.datasets import DatasetError, Frame, Ingested, Origin, Reading, Source
from tidemill_kit.db import Json, Timestamp, events_table

metadata = MetaData()


class DatasetColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    created_by: Named[UUID]
    name: Named[str]
    status: Named[str]
    format: Named[str | None] = Column(Text)
    size_bytes: Named[int | None] = Column(BigInteger)
    sha256: Named[str | None] = Column(Text)
    rows: Named[int | None] = Column(BigInteger)
    columns: Named[list[contracts.Column] | None] = Column(Json(list[contracts.Column]))
    labels: Named[dict[str, str]] = Column(Json(dict[str, str]))
    error: Named[DatasetError | None] = Column(Json(DatasetError))
    object_key: Named[str]
    options: Named[dict[str, Any]] = Column(Json(dict[str, Any]))
    frame: Named[Frame | None] = Column(Json(Frame))
    ingested: Named[Ingested | None] = Column(Json(Ingested))
    artifacts: Named[dict[str, Source]] = Column(Json(dict[str, Source]))
    origin: Named[Origin | None] = Column(Json(Origin))
    reading: Named[Reading | None] = Column(Json(Reading))
    job_id: Named[UUID | None]
    created_at: Named[datetime] = Column(Timestamp)
    updated_at: Named[datetime] = Column(Timestamp)
    deleted_at: Named[datetime | None] = Column(Timestamp)
    trashed_as: Named[str | None] = Column(Text)
    purge_at: Named[datetime | None] = Column(Timestamp)
    purged_at: Named[datetime | None] = Column(Timestamp)
    seq: Named[int]


class UploadColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    created_by: Named[UUID]
    name: Named[str]
    status: Named[str]
    size_bytes: Named[int] = Column(BigInteger)
    part_bytes: Named[int] = Column(BigInteger)
    labels: Named[dict[str, str]] = Column(Json(dict[str, str]))
    options: Named[dict[str, Any]] = Column(Json(dict[str, Any]))
    sha256: Named[str | None] = Column(Text)
    fingerprint: Named[str | None] = Column(Text)
    object_key: Named[str]
    parts_id: Named[str]
    created_at: Named[datetime] = Column(Timestamp)
    expires_at: Named[datetime] = Column(Timestamp)
    leased_until: Named[datetime | None] = Column(Timestamp)
    ended_at: Named[datetime | None] = Column(Timestamp)


class HoldingColumns(TypedColumns):
    """What a tenant has; triggers count, nobody else writes."""

    tenant_id: Named[UUID] = Column(Uuid, primary_key=True)
    datasets: Named[int] = Column(BigInteger)
    dataset_bytes: Named[int] = Column(BigInteger)
    uploads: Named[int] = Column(BigInteger)
    upload_bytes: Named[int] = Column(BigInteger)


class CollectionColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    dry_run: Named[bool]
    started_at: Named[datetime] = Column(Timestamp)
    beat_at: Named[datetime] = Column(Timestamp)
    finished_at: Named[datetime | None] = Column(Timestamp)
    found: Named[dict[str, Heap]] = Column(Json(dict[str, Heap]))
    error: Named[str | None] = Column(Text)


datasets = Table("datasets", metadata, DatasetColumns)
uploads = Table("uploads", metadata, UploadColumns)
holdings = Table("holdings", metadata, HoldingColumns)
collections = Table("collections", metadata, CollectionColumns)
events = events_table(metadata)
