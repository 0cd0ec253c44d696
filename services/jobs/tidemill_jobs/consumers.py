"""What the jobs service does when datasets change."""

import asyncio
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.datasets import (
    DatasetCreated,
    DatasetDeleted,
    DatasetEvent,
    DatasetReady,
    DatasetRejected,
    DatasetStatus,
    DatasetUploaded,
    Frame,
)
from tidemill_contracts.work import Source
from tidemill_jobs.commands import Submit
from tidemill_jobs.ledger import Ledger
from tidemill_jobs.results import ingest_job
from tidemill_jobs.sweeper import Sweeper
from tidemill_kit.consumers import Consumers


def consumers(ledger: Ledger, sweeper: Sweeper) -> Consumers:
    """The reactions, bound to this process' machines."""
    reactions = Consumers("jobs")
    waking: set[asyncio.Task[None]] = set()

    async def changed(
        connection: AsyncConnection,
        event: DatasetEvent,
        status: DatasetStatus,
        frame: Frame | None = None,
    ) -> None:
        """Note the new status, then wake what waits; a submit that saw the old one is in by now."""
        values = {
            "id": event.dataset_id,
            "tenant": event.tenant_id,
            "status": status.value,
            "frame": None if frame is None else msgspec.json.encode(frame).decode(),
        }
        await connection.execute(_NOTE, values)
        found: list[UUID] = list(await connection.scalars(_WAITING, {"id": event.dataset_id}))
        if found:
            task = asyncio.create_task(sweeper.revisit(found))
            waking.add(task)
            task.add_done_callback(waking.discard)

    @reactions.on(DatasetCreated)
    async def note(event: DatasetCreated, connection: AsyncConnection) -> None:
        await changed(connection, event, DatasetStatus.UPLOADING)

    @reactions.on(DatasetUploaded)
    async def ingest(event: DatasetUploaded, connection: AsyncConnection) -> None:
        # before the dataset's row is locked: the ledger must never wait for this transaction
        source = Source(event.object_key, event.size_bytes, event.sha256)
        build = ingest_job(event.id, event.tenant_id, event.dataset_id, source, event.options)
        await ledger.ask(Submit, build=build, job_id=event.id)
        await changed(connection, event, DatasetStatus.VALIDATING)

    @reactions.on(DatasetReady)
    async def unblock(event: DatasetReady, connection: AsyncConnection) -> None:
        await changed(connection, event, DatasetStatus.READY, event.frame)

    @reactions.on(DatasetRejected)
    async def reject(event: DatasetRejected, connection: AsyncConnection) -> None:
        await changed(connection, event, DatasetStatus.REJECTED)

    @reactions.on(DatasetDeleted)
    async def forget(event: DatasetDeleted, connection: AsyncConnection) -> None:
        await changed(connection, event, DatasetStatus.DELETED)

    del note, ingest, unblock, reject, forget
    return reactions


_NOTE = text("""
insert into datasets (id, tenant_id, status, frame)
values (:id, :tenant, :status, cast(:frame as jsonb))
on conflict (id) do update set status = excluded.status,
    frame = coalesce(excluded.frame, datasets.frame)
where datasets.status not in ('deleted')
""")
_WAITING = text("select id from jobs where dataset_id = :id and status = 'blocked'")
