"""What ingestion does when a tenant is gone: its datasets go into the trash, its uploads end."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.identity import TenantDeleted
from tidemill_contracts.uploads import UploadStatus
from tidemill_ingestion import trash
from tidemill_ingestion.repository import DatasetFilter, DatasetRepository
from tidemill_ingestion.tables import uploads

AT_ONCE = 100


async def leave(event: TenantDeleted, connection: AsyncConnection, *, grace_s: float) -> None:
    """What is due then is removed by the tidier, as everybody's is."""
    open_ = (uploads.c.tenant_id == event.tenant_id) & (uploads.c.status == UploadStatus.UPLOADING)
    await connection.execute(update(uploads).where(open_).values(expires_at=event.at))
    datasets = DatasetRepository(connection, event.tenant_id)
    while found := await datasets.newest(DatasetFilter(), limit=AT_ONCE):
        for each in found:
            dataset = await datasets.get(each.id, lock=True)
            gone, told = trash.delete(dataset, event.at, grace_s, event.by)
            await datasets.update(gone)
            await datasets.record(told)
