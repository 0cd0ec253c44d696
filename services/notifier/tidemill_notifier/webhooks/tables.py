"""The tables of webhooks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    Uuid,
)

from tidemill_contracts.webhooks import DeliveryAttempt
from tidemill_kit.db import Json, Timestamp, events_table

metadata = MetaData()


class WebhookColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    tenant_id: Named[UUID]
    url: Named[str]
    types: Named[list[str] | None] = Column(Json(list[str]))
    description: Named[str]
    role: Named[str]
    enabled: Named[bool]
    disabled_reason: Named[str | None] = Column(Text)
    disabled_at: Named[datetime | None] = Column(Timestamp)
    failing_since: Named[datetime | None] = Column(Timestamp)
    failures: Named[int]
    created_by: Named[UUID]
    created_at: Named[datetime] = Column(Timestamp)
    updated_at: Named[datetime] = Column(Timestamp)
    deleted_at: Named[datetime | None] = Column(Timestamp)
    seq: Named[int]
    version: Named[int]
    round: Named[int]
    epoch: Named[int]
    position: Named[int] = Column(BigInteger)


class SecretColumns(TypedColumns):
    id: Named[UUID] = Column(Uuid, primary_key=True)
    webhook_id: Named[UUID]
    tenant_id: Named[UUID]
    secret: Named[bytes] = Column(LargeBinary)
    created_at: Named[datetime] = Column(Timestamp)
    expires_at: Named[datetime | None] = Column(Timestamp)


class DeliveryColumns(TypedColumns):
    id: Named[int] = Column(BigInteger, primary_key=True)
    webhook_id: Named[UUID]
    tenant_id: Named[UUID]
    event_id: Named[UUID]
    type: Named[str]
    epoch: Named[int]
    position: Named[int] = Column(BigInteger)
    status: Named[str]
    attempts: Named[list[DeliveryAttempt]] = Column(Json(list[DeliveryAttempt]))
    next_attempt_at: Named[datetime | None] = Column(Timestamp)
    give_up_at: Named[datetime | None] = Column(Timestamp)
    created_at: Named[datetime] = Column(Timestamp)
    finished_at: Named[datetime | None] = Column(Timestamp)


webhooks = Table("webhooks", metadata, WebhookColumns)
secrets = Table("webhook_secrets", metadata, SecretColumns)
deliveries = Table("webhook_deliveries", metadata, DeliveryColumns)
events = events_table(metadata)
