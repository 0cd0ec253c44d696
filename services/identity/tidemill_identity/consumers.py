"""What was done at other services, for the audit trail: their events say who did it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.datasets import DatasetDeleted
from tidemill_contracts.event import Event
from tidemill_contracts.job_events import JobCancelled, JobCancelRequested, JobDeleted
from tidemill_contracts.jobs import CancelOutcome
from tidemill_contracts.schedules import (
    ScheduleChanged,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleEvent,
    SchedulePaused,
    ScheduleResumed,
)
from tidemill_contracts.webhooks import (
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookReplayed,
    WebhookSecretRotated,
    WebhookTouched,
)
from tidemill_identity.audit import Actor, AuditRepository
from tidemill_kit.reactions import Consumers

consumers = Consumers("identity")


async def _note(
    connection: AsyncConnection,
    event: Event,
    by: UUID | None,
    action: str | None = None,
    **details: str | None,
) -> None:
    """What somebody did; what the system did by itself is no matter of audit."""
    if by is not None:
        actor = Actor(tenant_id=event.tenant_id, user_id=by, via="event")
        trail = AuditRepository(connection, event.tenant_id)
        known: dict[str, Any] = {name: value for name, value in details.items() if value}
        await trail.note(actor, action or event.type, event.key, at=event.at, **known)


@consumers.on(JobCancelRequested)
async def cancel_requested(event: JobCancelRequested, connection: AsyncConnection) -> None:
    await _note(connection, event, event.cancel.by, "job.cancelled", reason=event.cancel.reason)


@consumers.on(JobCancelled)
async def cancelled(event: JobCancelled, connection: AsyncConnection) -> None:
    """A running job was noted when it was told to stop."""
    if event.cancel.outcome is CancelOutcome.NOT_STARTED:
        await _note(connection, event, event.cancel.by, reason=event.cancel.reason)


@consumers.on(JobDeleted)
async def job_deleted(event: JobDeleted, connection: AsyncConnection) -> None:
    await _note(connection, event, event.by)


@consumers.on(DatasetDeleted)
async def dataset_deleted(event: DatasetDeleted, connection: AsyncConnection) -> None:
    await _note(connection, event, event.by)


async def schedule_touched(event: ScheduleEvent, connection: AsyncConnection) -> None:
    await _note(connection, event, event.by, name=event.name)


for kind in (ScheduleCreated, ScheduleChanged, SchedulePaused, ScheduleResumed, ScheduleDeleted):
    consumers.on(kind)(schedule_touched)


async def webhook_touched(event: WebhookTouched, connection: AsyncConnection) -> None:
    changed = ", ".join(event.changed) if isinstance(event, WebhookChanged) else None
    after = event.after if isinstance(event, WebhookReplayed) else None
    details = {"description": event.description, "changed": changed, "after": after}
    await _note(connection, event, event.by, **details)


for told in (WebhookCreated, WebhookChanged, WebhookSecretRotated, WebhookReplayed, WebhookDeleted):
    consumers.on(told)(webhook_touched)
