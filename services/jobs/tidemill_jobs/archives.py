"""Archives: what files tell of jobs that ran elsewhere, kept as they came and read-only.

They have rows of their own, no part in the log and none in the queue: their numbers and places are
those of another system.
"""

import asyncio
import hashlib
from io import BytesIO
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from msgspec import UNSET, Struct
from msgspec.structs import replace
from sqlalchemy import delete, func, insert, select, text

from tidemill_contracts import recording
from tidemill_contracts.archives import MAX_UNPACKED_BYTES, Archive
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import Job
from tidemill_contracts.log import read_cursor
from tidemill_contracts.pages import StreamedEvent
from tidemill_contracts.recording import Recording, RecordingInvalid
from tidemill_jobs.past import CursorMalformed, JobNotYet, completed
from tidemill_jobs.tables import archives, events
from tidemill_kit.db import Database, Repository
from tidemill_kit.errors import Conflict, Invalid, NotFound, TooMany


class ArchiveNotFound(NotFound):
    """There is no such archive."""


class ArchiveInvalid(Invalid):
    """The file is not a job as `tidemill events export` writes it."""


class ArchiveDiffers(Conflict):
    """Another file has told something else of this job; delete its archive first."""


class ArchivesFull(TooMany):
    """The tenant's archives would be larger than max_archive_bytes allows."""


class _Row(Struct, frozen=True):
    digest: str
    body: bytes


class ArchiveRepository(Repository):
    """A tenant's archives; row-level security stands behind each `where`."""

    events = events

    async def newest(self, *, before: UUID | None, limit: int) -> list[Archive]:
        mine = select(archives.c.body).where(archives.c.tenant_id == self.tenant_id)
        if before is not None:
            mine = mine.where(archives.c.id < before)
        found = await self.connection.scalars(mine.order_by(archives.c.id.desc()).limit(limit))
        return [_ARCHIVE.decode(body) for body in found]

    async def get(self, archive_id: UUID) -> Archive:
        query = select(archives.c.body, archives.c.job).where(*self._mine(archive_id))
        found = (await self.connection.execute(query)).first()
        if found is None:
            raise ArchiveNotFound
        return replace(_ARCHIVE.decode(found.body), job=_JOB.decode(found.job))

    async def file(self, archive_id: UUID) -> bytes:
        """The file as it came."""
        query = select(archives.c.file).where(*self._mine(archive_id))
        found = await self.connection.scalar(query)
        if found is None:
            raise ArchiveNotFound
        return found

    async def add(self, made: Archive, digest: str, job: Job, file: bytes, most: int) -> Archive:
        """Keep it unless it is there; ArchiveDiffers where what is there is something else."""
        await self.connection.execute(_ONE_AT_A_TIME, {"tenant": str(self.tenant_id)})
        query = select(archives.c.digest, archives.c.body).where(*self._mine(made.id))
        if kept := await self.first(query, _Row):
            if kept.digest != digest:
                raise ArchiveDiffers
            return _ARCHIVE.decode(kept.body)
        size = func.coalesce(func.sum(func.length(archives.c.file)), 0)
        total = select(size).where(archives.c.tenant_id == self.tenant_id)
        if (await self.connection.scalar(total) or 0) + len(file) > most:
            raise ArchivesFull
        row: dict[str, Any] = {"tenant_id": self.tenant_id, "id": made.id, "digest": digest}
        bodies = {"body": msgspec.json.encode(made), "job": msgspec.json.encode(job)}
        await self.run(insert(archives).values({**row, **bodies, "file": file}))
        return made

    async def remove(self, archive_id: UUID) -> None:
        if not await self.run(delete(archives).where(*self._mine(archive_id))):
            raise ArchiveNotFound

    def _mine(self, archive_id: UUID) -> tuple[Any, ...]:
        return archives.c.tenant_id == self.tenant_id, archives.c.id == archive_id


async def import_file(app: Litestar, principal: Principal, file: bytes) -> tuple[Archive, bool]:
    """The archive that this file is, and whether it is new here."""
    found = await _read(app, file)
    job = replace(found.job, cursor=UNSET)
    made = Archive(
        id=job.id,
        status=job.status,
        pipeline=job.pipeline,
        processors=list(dict.fromkeys(step.processor for step in job.steps)),
        created_at=job.created_at,
        finished_at=job.finished_at,
        made_at=found.manifest.made_at,
        made_by=found.manifest.made_by,
        left_out=found.manifest.left_out,
        size_bytes=len(file),
        sha256=hashlib.sha256(file).hexdigest(),
        imported_at=now(),
        imported_by=principal.user_id,
    )
    database: Database = app.state.database
    most: int = app.state.settings.max_archive_bytes
    async with database.on_behalf_of(principal.tenant_id) as connection:
        mine = ArchiveRepository(connection, principal.tenant_id)
        kept = await mine.add(made, found.manifest.digest, job, file, most)
    return replace(kept, job=job), kept is made


async def archive(app: Litestar, tenant_id: UUID, archive_id: UUID) -> Archive:
    """The archive with its job."""
    database: Database = app.state.database
    async with database.on_behalf_of(tenant_id) as connection:
        return await ArchiveRepository(connection, tenant_id).get(archive_id)


async def archive_at(app: Litestar, tenant_id: UUID, archive_id: UUID, at: str) -> Archive:
    """The archive with the job as it was at a cursor of the log that it comes from."""
    shown = await archive(app, tenant_id, archive_id)
    found = await _recorded(app, tenant_id, archive_id)
    try:
        fold = found.fold_at(read_cursor(at))
    except ValueError as error:
        raise CursorMalformed from error
    if fold is None:
        raise JobNotYet
    return replace(shown, job=completed(fold, found.job))


async def archived_events(app: Litestar, tenant_id: UUID, archive_id: UUID) -> list[StreamedEvent]:
    """All events of the job, oldest first, with the places that they had in their own log."""
    found = await _recorded(app, tenant_id, archive_id)
    return [StreamedEvent(told.cursor, told.body) for told in found.events]


async def _recorded(app: Litestar, tenant_id: UUID, archive_id: UUID) -> Recording:
    database: Database = app.state.database
    async with database.on_behalf_of(tenant_id) as connection:
        file = await ArchiveRepository(connection, tenant_id).file(archive_id)
    return await _read(app, file)


async def _read(app: Litestar, file: bytes) -> Recording:
    """What is in a file; one is read at a time, apart from the loop, which has other work."""
    async with app.state.reading:
        try:
            return await asyncio.to_thread(recording.read, BytesIO(file), most=MAX_UNPACKED_BYTES)
        except RecordingInvalid as error:
            raise ArchiveInvalid(str(error)) from error


_ARCHIVE = msgspec.json.Decoder(Archive)
_JOB = msgspec.json.Decoder(Job)
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('archives ' || :tenant, 0))")
