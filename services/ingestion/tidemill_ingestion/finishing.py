"""The finisher: puts an upload's parts together, reads them back and makes them a dataset."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import structlog

from tidemill_contracts.datasets import Dataset
from tidemill_contracts.ids import now
from tidemill_contracts.log import Cursor
from tidemill_contracts.uploads import UploadStatus
from tidemill_ingestion import usecases
from tidemill_ingestion.incoming import DigestMismatch
from tidemill_ingestion.lifecycle import Owner, Upload
from tidemill_ingestion.parts import StoredUpload, UploadIncomplete, UploadOver
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.settings import Settings
from tidemill_ingestion.upload_repository import UploadRepository
from tidemill_kit.db import Database
from tidemill_kit.errors import failure_of
from tidemill_kit.objects import Objects
from tidemill_kit.storage_errors import ObjectMissing

log = structlog.get_logger()
LEASE_S, BEAT_S = 30.0, 5.0


class Finisher:
    """Verifies uploads beside the requests that ask for it; a lease keeps replicas apart."""

    def __init__(
        self,
        database: Database,
        storage: Objects,
        settings: Settings,
        head: Callable[[], Cursor],
    ) -> None:
        self._database = database
        self._storage = storage
        self._settings = settings
        self._head = head
        self._running: dict[UUID, asyncio.Task[Dataset]] = {}

    async def begin(
        self,
        upload: StoredUpload,
        sha256: str | None = None,
    ) -> asyncio.Task[Dataset] | None:
        """The work on this upload; None where another replica is at it."""
        if upload.id in self._running:
            return self._running[upload.id]
        async with self._database.on_behalf_of(upload.tenant_id) as connection:
            uploads = UploadRepository(connection, upload.tenant_id)
            if not await uploads.lease(upload.id, _lease(), sha256=sha256):
                return None
            leased = await uploads.get(upload.id)
        task = asyncio.create_task(self._finish(leased))
        self._running[upload.id] = task
        task.add_done_callback(lambda done: self._ended(upload.id, done))
        return task

    async def stop(self) -> None:
        """Leave what is not finished to whoever comes next."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _ended(self, upload_id: UUID, task: asyncio.Task[Dataset]) -> None:
        self._running.pop(upload_id, None)
        if not task.cancelled() and (error := task.exception()):
            log.warning("upload.unfinished", upload_id=str(upload_id), reason=str(error)[:200])

    async def _finish(self, upload: StoredUpload) -> Dataset:
        made: list[Dataset] = []

        async def work() -> None:
            await self._put_together(upload)
            sha256 = await self._read_back(upload)
            if upload.sha256 not in (None, sha256):
                await self._refuse(upload)
                raise DigestMismatch(expected=upload.sha256, found=sha256)
            made.append(await self._settle(upload, sha256))

        if error := await failure_of(work()):
            # whatever it was: the next one need not wait for the lease to end
            await failure_of(self._prolong(upload, now()))
            raise error
        return made[0]

    async def _put_together(self, upload: StoredUpload) -> None:
        bucket = self._settings.s3_datasets_bucket
        try:
            found = await self._storage.parts(bucket, upload.object_key, upload.parts_id)
            await self._storage.finish_parts(bucket, upload.object_key, upload.parts_id, found)
        except ObjectMissing as error:
            # somebody before us came this far, or the store has lost the parts
            if await self._storage.size_of(bucket, upload.object_key) is None:
                await self._refuse(upload)
                raise UploadOver(upload_status=UploadStatus.REFUSED.value) from error
        if await self._storage.size_of(bucket, upload.object_key) != upload.size_bytes:
            await self._refuse(upload)
            raise UploadIncomplete

    async def _read_back(self, upload: StoredUpload) -> str:
        """The sha256 of what the store has now."""
        digest, told = hashlib.sha256(), monotonic()
        bucket = self._settings.s3_datasets_bucket
        async for chunk in self._storage.read(bucket, upload.object_key):
            digest.update(chunk)
            if monotonic() - told > BEAT_S:
                await self._prolong(upload, _lease())
                told = monotonic()
        return digest.hexdigest()

    async def _settle(self, upload: StoredUpload, sha256: str) -> Dataset:
        head = self._head()
        async with self._database.on_behalf_of(upload.tenant_id) as connection:
            uploads = UploadRepository(connection, upload.tenant_id)
            datasets = DatasetRepository(connection, upload.tenant_id)
            found = await uploads.get(upload.id, lock=True)
            if found.status is UploadStatus.COMPLETED:
                return (await datasets.get(upload.id)).shown(str(head))
            if found.status is not UploadStatus.VERIFYING:
                raise UploadOver(upload_status=found.status.value)
            await uploads.end(upload.id, UploadStatus.COMPLETED)
            owner = Owner(upload.tenant_id, upload.created_by)
            dataset = await usecases.settle(datasets, owner, _stored(upload, sha256), head)
        if dataset.deduplicated_from:
            await usecases.discard(self._storage, self._settings, upload.object_key)
        return dataset

    async def _refuse(self, upload: StoredUpload) -> None:
        async with self._database.on_behalf_of(upload.tenant_id) as connection:
            uploads = UploadRepository(connection, upload.tenant_id)
            await uploads.end(upload.id, UploadStatus.REFUSED)
        await usecases.discard(self._storage, self._settings, upload.object_key)

    async def _prolong(self, upload: StoredUpload, until: datetime) -> None:
        async with self._database.on_behalf_of(upload.tenant_id) as connection:
            await UploadRepository(connection, upload.tenant_id).prolong(upload.id, until)


def _lease() -> datetime:
    return now() + timedelta(seconds=LEASE_S)


def _stored(upload: StoredUpload, sha256: str) -> Upload:
    return Upload(
        id=upload.id,
        name=upload.name,
        labels=upload.labels,
        options=upload.options,
        object_key=upload.object_key,
        size_bytes=upload.size_bytes,
        sha256=sha256,
    )
