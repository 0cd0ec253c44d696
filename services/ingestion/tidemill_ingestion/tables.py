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
from tidemill_contracts.datasets import DatasetError, Frame, Ingested, Origin, Source
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
    job_id: Named[UUID | None]
    created_at: Named[datetime] = Column(Timestamp)
    updated_at: Named[datetime] = Column(Timestamp)
    deleted_at: Named[datetime | None] = Column(Timestamp)
    seq: Named[int]


datasets = Table("datasets", metadata, DatasetColumns)
events = events_table(metadata)
