"""Every query of ingestion."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Select, func, insert, select, update

from tidemill_contracts.datasets import DatasetStatus
from tidemill_ingestion import tables
from tidemill_ingestion.lifecycle import DatasetNotFound, StoredDataset
from tidemill_ingestion.tables import datasets, events
from tidemill_kit.db import Repository

_STORED = [datasets.c[name] for name in StoredDataset.__struct_fields__]


class DatasetRepository(Repository):
    """The tenant's datasets; deleted ones are only history."""

    events = tables.events

    async def add(self, dataset: StoredDataset) -> None:
        await self.run(insert(datasets).values(asdict(dataset)))

    async def update(self, dataset: StoredDataset) -> None:
        change = update(datasets).values(asdict(dataset)).where(datasets.c.id == dataset.id)
        await self.run(change.where(datasets.c.tenant_id == self.tenant_id))

    async def get(self, dataset_id: UUID, *, lock: bool = False) -> StoredDataset:
        """The dataset; DatasetNotFound where it is unknown, deleted or another tenant's."""
        dataset = await self.find(dataset_id, lock=lock)
        if dataset is None or dataset.status is DatasetStatus.DELETED:
            raise DatasetNotFound
        return dataset

    async def find(self, dataset_id: UUID, *, lock: bool = False) -> StoredDataset | None:
        """The dataset even if it is deleted; `lock` keeps others from changing it meanwhile."""
        query = self._mine().where(datasets.c.id == dataset_id)
        return await self.first(
            query.with_for_update(key_share=True) if lock else query,
            StoredDataset,
        )

    async def newest(
        self,
        *,
        limit: int,
        before: UUID | None = None,
        status: DatasetStatus | None = None,
    ) -> list[StoredDataset]:
        """Newest first; `before` is the last one of the page before."""
        query = self._mine().where(datasets.c.deleted_at.is_(None))
        if before is not None:
            query = query.where(datasets.c.id < before)
        if status is not None:
            query = query.where(datasets.c.status == status)
        return await self.all(query.order_by(datasets.c.id.desc()).limit(limit), StoredDataset)

    async def names(self, ids: list[UUID]) -> dict[UUID, str]:
        """The names of those that there are."""
        query = select(datasets.c.id, datasets.c.name).where(datasets.c.id.in_(ids))
        mine = query.where(datasets.c.tenant_id == self.tenant_id)
        return {row.id: row.name for row in await self.connection.execute(mine)}

    async def used_bytes(self) -> int:
        """What all datasets of the tenant take."""
        total = func.coalesce(func.sum(datasets.c.size_bytes), 0)
        mine = (datasets.c.tenant_id == self.tenant_id) & datasets.c.deleted_at.is_(None)
        return int(await self.connection.scalar(select(total).where(mine)) or 0)

    async def history(self, dataset_id: UUID) -> list[dict[str, Any]]:
        """The dataset's events, oldest first."""
        mine = (events.c.key == dataset_id) & (events.c.tenant_id == self.tenant_id)
        query = select(events.c.body).where(mine).order_by(events.c.seq)
        rows = await self.connection.scalars(query)
        return [msgspec.json.decode(body) for body in rows]

    def _mine(self) -> Select[Any]:
        return select(*_STORED).where(datasets.c.tenant_id == self.tenant_id)
