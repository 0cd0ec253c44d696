"""Every query about uploads in parts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import Select, insert, select, update

from tidemill_contracts.ids import now
from tidemill_contracts.uploads import UploadStatus
from tidemill_ingestion import tables
from tidemill_ingestion.parts import StoredUpload, UploadNotFound
from tidemill_ingestion.tables import uploads
from tidemill_kit.db import Repository

_STORED = [uploads.c[name] for name in StoredUpload.__struct_fields__]


class UploadRepository(Repository):
    """The tenant's uploads in parts."""

    events = tables.events

    async def add(self, upload: StoredUpload) -> None:
        await self.run(insert(uploads).values(asdict(upload)))

    async def get(self, upload_id: UUID, *, lock: bool = False) -> StoredUpload:
        """The upload; UploadNotFound where it is unknown or another tenant's."""
        query = self._mine().where(uploads.c.id == upload_id)
        found = await self.first(query.with_for_update() if lock else query, StoredUpload)
        if found is None:
            raise UploadNotFound
        return found

    async def newest(
        self,
        *,
        limit: int,
        before: UUID | None = None,
        status: UploadStatus | None = None,
        fingerprint: str | None = None,
    ) -> list[StoredUpload]:
        """Newest first; `before` is the last one of the page before."""
        query = self._mine()
        if before is not None:
            query = query.where(uploads.c.id < before)
        if status is not None:
            query = query.where(uploads.c.status == status)
        if fingerprint is not None:
            query = query.where(uploads.c.fingerprint == fingerprint)
        return await self.all(query.order_by(uploads.c.id.desc()).limit(limit), StoredUpload)

    async def lease(self, upload_id: UUID, until: datetime, *, sha256: str | None) -> bool:
        """Take the verifying of an upload upon oneself; False where somebody else is at it."""
        free = (uploads.c.status == UploadStatus.UPLOADING) | (
            (uploads.c.status == UploadStatus.VERIFYING) & (uploads.c.leased_until < now())
        )
        values: dict[str, Any] = {"status": UploadStatus.VERIFYING, "leased_until": until}
        if sha256 is not None:
            values["sha256"] = sha256
        mine = self._one(upload_id).where(free)
        return await self.run(mine.values(values)) == 1

    async def prolong(self, upload_id: UUID, until: datetime) -> None:
        """Say that one is still at it, or with a moment now that somebody else may be."""
        verifying = uploads.c.status == UploadStatus.VERIFYING
        await self.run(self._one(upload_id).where(verifying).values(leased_until=until))

    async def end(self, upload_id: UUID, status: UploadStatus) -> None:
        await self.run(self._one(upload_id).values(status=status, ended_at=now()))

    def _one(self, upload_id: UUID) -> Any:
        mine = (uploads.c.id == upload_id) & (uploads.c.tenant_id == self.tenant_id)
        return update(uploads).where(mine)

    def _mine(self) -> Select[Any]:
        return select(*_STORED).where(uploads.c.tenant_id == self.tenant_id)
