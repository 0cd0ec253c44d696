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
)
from tidemill_contracts.work import Source
from tidemill_jobs.commands import Submit
from tidemill_jobs.ledger import Ledger
from tidemill_jobs.results import ingest_job
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

    async def unblock(event: DatasetReady, connection: AsyncConnection) -> None:
        await changes.note(connection, event, DatasetStatus.READY, event.frame)

    reactions.on(DatasetUploaded)(ingest)
    reactions.on(DatasetReady)(unblock)
    reactions.on(DatasetCreated)(changes.to(DatasetStatus.UPLOADING))
    reactions.on(DatasetRejected)(changes.to(DatasetStatus.REJECTED))
    reactions.on(DatasetDeleted)(changes.to(DatasetStatus.DELETED))
    reactions.on(DatasetRestored)(_restored)
    reactions.on(DatasetPurged)(_purged)
    return reactions


async def _restored(event: DatasetRestored, connection: AsyncConnection) -> None:
    values = {"id": event.dataset_id, "status": event.status.value}
    await connection.execute(_RESTORE, values)


async def _purged(event: DatasetPurged, connection: AsyncConnection) -> None:
    """Without its dataset an ingest job keeps nothing: its objects may be collected."""
    await connection.execute(_PURGE, {"id": event.dataset_id})


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
    ) -> None:
        """Write the status, then look who waits: a submit that saw the old one is in by now."""
        values = {
            "id": event.dataset_id,
            "tenant": event.tenant_id,
            "status": status.value,
            "frame": None if frame is None else msgspec.json.encode(frame).decode(),
        }
        await connection.execute(_NOTE, values)
        found: list[UUID] = list(await connection.scalars(_WAITING, {"id": event.dataset_id}))
        if found:
            task = asyncio.create_task(self._sweeper.revisit(found))
            self._waking.add(task)
            task.add_done_callback(self._waking.discard)


_NOTE = text("""
insert into datasets (id, tenant_id, status, frame)
values (:id, :tenant, :status, cast(:frame as jsonb))
on conflict (id) do update set status = excluded.status,
    frame = coalesce(excluded.frame, datasets.frame)
where datasets.status not in ('deleted')
""")
_RESTORE = text("update datasets set status = :status where id = :id and status = 'deleted'")
_PURGE = text("delete from datasets where id = :id")
_WAITING = text("select id from jobs where dataset_id = :id and status = 'blocked'")
