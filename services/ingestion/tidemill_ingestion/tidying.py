"""What ends by itself: uploads nobody finished, datasets that were in the trash long enough."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import delete, exists, select, update

from tidemill_contracts.ids import now
from tidemill_contracts.uploads import UploadStatus
from tidemill_ingestion import presigned, trash
from tidemill_ingestion.finishing import Finisher
from tidemill_ingestion.lifecycle import StoredDataset
from tidemill_ingestion.parts import StoredUpload
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.settings import Settings
from tidemill_ingestion.tables import datasets, uploads
from tidemill_kit.db import Database
from tidemill_kit.objects import Objects

log = structlog.get_logger()
AT_ONCE = 100
REMEMBERED = timedelta(days=7)
_UPLOADS = [uploads.c[name] for name in StoredUpload.__struct_fields__]
_DATASETS = [datasets.c[name] for name in StoredDataset.__struct_fields__]


class Tidier:
    """Each replica may tidy at any time: rows are locked, what another has is passed over."""

    def __init__(
        self,
        database: Database,
        storage: Objects,
        settings: Settings,
        finisher: Finisher,
    ) -> None:
        self._database = database
        self._storage = storage
        self._settings = settings
        self._finisher = finisher

    async def tidy(self) -> None:
        """Everything that is due."""
        while await self._expire() == AT_ONCE:
            pass
        await self._finish()
        while await self._purge():
            pass
        while await self._erase() == AT_ONCE:
            pass
        await self._forget()

    async def _expire(self) -> int:
        due = (uploads.c.status == UploadStatus.UPLOADING) & (uploads.c.expires_at < now())
        some = select(uploads.c.id).where(due).limit(AT_ONCE).with_for_update(skip_locked=True)
        ended: dict[str, Any] = {"status": UploadStatus.EXPIRED, "ended_at": now()}
        change = update(uploads).where(uploads.c.id.in_(some)).values(ended)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(change.returning(*_UPLOADS))).all()
        for row in rows:
            await presigned.give_up(self._storage, self._settings, _upload(row))
        return len(rows)

    async def _finish(self) -> None:
        """Go on with what a process that died was verifying."""
        left = (uploads.c.status == UploadStatus.VERIFYING) & (uploads.c.leased_until < now())
        async with self._database.transaction() as connection:
            rows = (await connection.execute(select(*_UPLOADS).where(left).limit(AT_ONCE))).all()
        for row in rows:
            await self._finisher.begin(_upload(row))

    async def _purge(self) -> bool:
        """One dataset of the trash whose time is over; False where there is none."""
        due = datasets.c.deleted_at.is_not(None) & datasets.c.purged_at.is_(None)
        query = select(*_DATASETS).where(due, datasets.c.purge_at < now()).limit(1)
        async with self._database.transaction() as connection:
            locked = query.with_for_update(skip_locked=True)
            row = (await connection.execute(locked)).first()
            if row is None:
                return False
            found = msgspec.convert(row, StoredDataset, from_attributes=True)
            mine = DatasetRepository(connection, found.tenant_id)
            purged, event = trash.purge(found, now())
            await mine.update(purged)
            await mine.record(event)
        return True

    async def _erase(self) -> int:
        """Remove the objects of purged datasets that no other dataset shares, then the rows."""
        purged = select(datasets.c.id, datasets.c.object_key).where(
            datasets.c.purged_at.is_not(None)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(purged.limit(AT_ONCE))).all()
        for row in rows:
            await self._erase_one(row.id, row.object_key)
        return len(rows)

    async def _erase_one(self, dataset_id: UUID, key: str) -> None:
        sharing = exists().where(datasets.c.object_key == key, datasets.c.purged_at.is_(None))
        async with self._database.transaction() as connection:
            shared = bool(await connection.scalar(select(sharing)))
        # nobody can begin to share the object now: twins are looked for among the unpurged
        if not shared:
            await self._storage.delete(self._settings.s3_datasets_bucket, key)
        async with self._database.transaction() as connection:
            await connection.execute(delete(datasets).where(datasets.c.id == dataset_id))
        log.info("dataset.erased", dataset_id=str(dataset_id), shared=shared)

    async def _forget(self) -> None:
        old = uploads.c.ended_at < now() - REMEMBERED
        async with self._database.transaction() as connection:
            await connection.execute(delete(uploads).where(old))


def _upload(row: Any) -> StoredUpload:
    return msgspec.convert(row, StoredUpload, from_attributes=True)
