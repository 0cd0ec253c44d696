"""What the jobs service does when datasets change."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.datasets import (
    DatasetCreated,
    DatasetDeleted,
    DatasetEvent,
    DatasetPurged,
    DatasetReady,
    DatasetRejected,
    DatasetRestored,
    DatasetStatus,
    DatasetUploaded,
    Frame,
    Origin,
    Source,
)
from tidemill_jobs.commands import Submit
from tidemill_jobs.errands import adopt_job, ingest_job
from tidemill_jobs.exports import made_by
from tidemill_jobs.ledger import Ledger
from tidemill_jobs.records import StepRecord
from tidemill_jobs.removal import forget_exports
from tidemill_jobs.sweeper import Sweeper
from tidemill_kit.reactions import Consumers


def consumers(ledger: Ledger, sweeper: Sweeper) -> Consumers:
    """The reactions, bound to this process' machines."""
    reactions, changes = Consumers("jobs"), _Changes(sweeper)

    async def ingest(event: DatasetUploaded, connection: AsyncConnection) -> None:
        # before the dataset's row is locked: the ledger must never wait for this transaction
        source = Source(event.object_key, event.size_bytes, event.sha256)
        build = ingest_job(event.id, event.tenant_id, event.dataset_id, source, event.options)
        await ledger.ask(Submit, build=build, job_id=event.id)
        await changes.note(connection, event, DatasetStatus.VALIDATING)

    async def adopt(event: DatasetCreated, connection: AsyncConnection) -> None:
        if event.origin is None:
            await changes.note(connection, event, DatasetStatus.UPLOADING)
            return
        await _adopt(ledger, connection, event, event.origin)
        await changes.note(connection, event, DatasetStatus.VALIDATING, origin=event.origin)

    async def restored(event: DatasetRestored, connection: AsyncConnection) -> None:
        values = {"id": event.dataset_id, "status": event.status.value}
        origin = await _origin_of(connection, event.dataset_id)
        if origin is not None and event.status is DatasetStatus.VALIDATING:
            await _adopt(ledger, connection, event, origin)
        await connection.execute(_RESTORE, values)

    async def unblock(event: DatasetReady, connection: AsyncConnection) -> None:
        await changes.note(connection, event, DatasetStatus.READY, event.frame)
        # files of a table that this one replaces; jobs are locked after datasets, as elsewhere
        await forget_exports(connection, event.dataset_id, but=made_by(event.frame))

    reactions.on(DatasetUploaded)(ingest)
    reactions.on(DatasetReady)(unblock)
    reactions.on(DatasetCreated)(adopt)
    reactions.on(DatasetRejected)(changes.to(DatasetStatus.REJECTED))
    reactions.on(DatasetDeleted)(changes.to(DatasetStatus.DELETED))
    reactions.on(DatasetRestored)(restored)
    reactions.on(DatasetPurged)(_purged)
    return reactions


async def _adopt(
    ledger: Ledger,
    connection: AsyncConnection,
    event: DatasetEvent,
    origin: Origin,
) -> None:
    """Have a dataset made of a job's frame; once, however often the event comes."""
    frame = await _frame_of(connection, origin)
    build = adopt_job(event.id, event.tenant_id, event.dataset_id, origin.job_id, frame)
    await ledger.ask(Submit, build=build, job_id=event.id)


async def _origin_of(connection: AsyncConnection, dataset_id: UUID) -> Origin | None:
    row = (await connection.execute(_ORIGIN, {"id": dataset_id})).first()
    return None if row is None else Origin(row.origin_job, row.origin_step)


async def _purged(event: DatasetPurged, connection: AsyncConnection) -> None:
    """Without its dataset an ingest job keeps nothing: its objects may be collected.

    What was exported of the dataset goes with it; from the trash it could have come back.
    """
    await forget_exports(connection, event.dataset_id)
    await connection.execute(_PURGE, {"id": event.dataset_id})


async def _frame_of(connection: AsyncConnection, origin: Origin) -> Frame | None:
    """The frame that a step keeps; None where its job was deleted meanwhile."""
    steps = await connection.scalar(_STEPS, {"id": origin.job_id})
    found = msgspec.convert(steps or [], list[StepRecord])
    kept = next((step.kept for step in found if step.name == origin.step), None)
    return kept.frame if kept else None


class _Changes:
    """Notes what became of a dataset and wakes the jobs that wait for it."""

    def __init__(self, sweeper: Sweeper) -> None:
        self._sweeper = sweeper
        self._waking: set[asyncio.Task[None]] = set()

    def to(
        self,
        status: DatasetStatus,
    ) -> Callable[[DatasetEvent, AsyncConnection], Awaitable[None]]:
        async def note(event: DatasetEvent, connection: AsyncConnection) -> None:
            await self.note(connection, event, status)

        return note

    async def note(
        self,
        connection: AsyncConnection,
        event: DatasetEvent,
        status: DatasetStatus,
        frame: Frame | None = None,
        origin: Origin | None = None,
    ) -> None:
        """Write the status, then look who waits: a submit that saw the old one is in by now."""
        values = {
            "id": event.dataset_id,
            "tenant": event.tenant_id,
            "status": status.value,
            "frame": None if frame is None else msgspec.json.encode(frame).decode(),
            "origin_job": origin.job_id if origin else None,
            "origin_step": origin.step if origin else None,
        }
        await connection.execute(_NOTE, values)
        found: list[UUID] = list(await connection.scalars(_WAITING, {"id": event.dataset_id}))
        if found:
            task = asyncio.create_task(self._sweeper.revisit(found))
            self._waking.add(task)
            task.add_done_callback(self._waking.discard)


_NOTE = text("""
insert into datasets (id, tenant_id, status, frame, origin_job, origin_step)
values (:id, :tenant, :status, cast(:frame as jsonb), :origin_job, :origin_step)
on conflict (id) do update set status = excluded.status,
    frame = coalesce(excluded.frame, datasets.frame),
    origin_job = coalesce(excluded.origin_job, datasets.origin_job),
    origin_step = coalesce(excluded.origin_step, datasets.origin_step)
where datasets.status not in ('deleted')
""")
_RESTORE = text("update datasets set status = :status where id = :id and status = 'deleted'")
_PURGE = text("delete from datasets where id = :id")
_ORIGIN = text(
    "select origin_job, origin_step from datasets where id = :id and origin_job is not null",
)
_STEPS = text("select steps from jobs where id = :id")
_WAITING = text("select id from jobs where dataset_id = :id and status = 'blocked'")
