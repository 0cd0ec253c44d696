"""Every query of ingestion."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, field
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Select, insert, select, text, update

from tidemill_contracts.datasets import DatasetStatus
from tidemill_ingestion import tables
from tidemill_ingestion.lifecycle import DatasetNotFound, StoredDataset
from tidemill_ingestion.limits import Holdings
from tidemill_ingestion.tables import datasets, events
from tidemill_kit.db import Repository

_STORED = [datasets.c[name] for name in StoredDataset.__struct_fields__]
_HELD = [tables.holdings.c[name] for name in Holdings.__struct_fields__]


class DatasetFilter(Struct, frozen=True, kw_only=True):
    """Which datasets are meant; all that is given must hold."""

    name: str | None = None
    status: DatasetStatus | None = None
    format: str | None = None
    labels: dict[str, str] = field(default_factory=dict[str, str])
    created_after: datetime | None = None
    created_before: datetime | None = None


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
        wanted: DatasetFilter,
        *,
        limit: int,
        before: UUID | None = None,
    ) -> list[StoredDataset]:
        """Those that fit, newest first; `before` is the last one of the page before."""
        query = self._mine().where(*_fitting(wanted))
        if before is not None:
            query = query.where(datasets.c.id < before)
        return await self.all(query.order_by(datasets.c.id.desc()).limit(limit), StoredDataset)

    async def with_bytes(self, sha256: str, size_bytes: int) -> StoredDataset | None:
        """A dataset whose object holds these very bytes, kept from being purged meanwhile."""
        place = f"{self.tenant_id} {sha256}"
        await self.connection.execute(_ONE_AT_A_TIME, {"place": place})
        same = (datasets.c.sha256 == sha256) & (datasets.c.size_bytes == size_bytes)
        query = self._mine().where(same, datasets.c.purged_at.is_(None))
        oldest = query.order_by(datasets.c.id).limit(1)
        return await self.first(oldest.with_for_update(read=True), StoredDataset)

    async def holdings(self) -> Holdings:
        """What the tenant has, this transaction's changes counted."""
        mine = select(*_HELD).where(tables.holdings.c.tenant_id == self.tenant_id)
        return await self.first(mine, Holdings) or Holdings()

    async def names(self, ids: list[UUID]) -> dict[UUID, str]:
        """The names of those that there are."""
        query = select(datasets.c.id, datasets.c.name).where(datasets.c.id.in_(ids))
        mine = query.where(datasets.c.tenant_id == self.tenant_id)
        return {row.id: row.name for row in await self.connection.execute(mine)}

    async def history(self, dataset_id: UUID) -> list[dict[str, Any]]:
        """The dataset's events, oldest first."""
        mine = (events.c.key == dataset_id) & (events.c.tenant_id == self.tenant_id)
        query = select(events.c.body).where(mine).order_by(events.c.seq)
        rows = await self.connection.scalars(query)
        return [msgspec.json.decode(body) for body in rows]

    def _mine(self) -> Select[Any]:
        return select(*_STORED).where(datasets.c.tenant_id == self.tenant_id)


def _fitting(wanted: DatasetFilter) -> list[ColumnElement[bool]]:
    """All that is asked for, as conditions; the trash is only shown by its status."""
    shown = DatasetStatus.DELETED if wanted.status is DatasetStatus.DELETED else None
    conditions: list[ColumnElement[bool]] = [
        datasets.c.purged_at.is_(None),
        datasets.c.deleted_at.is_(None) if shown is None else datasets.c.deleted_at.is_not(None),
    ]
    if wanted.status is not None:
        conditions.append(datasets.c.status == wanted.status)
    if wanted.format is not None:
        conditions.append(datasets.c.format == wanted.format)
    if wanted.name is not None:
        conditions.append(datasets.c.name.icontains(wanted.name, autoescape=True))
    if wanted.labels:
        conditions.append(datasets.c.labels.op("@>")(wanted.labels))
    if wanted.created_after is not None:
        conditions.append(datasets.c.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(datasets.c.created_at < wanted.created_before)
    return conditions


# the transaction's lock: two uploads of the same bytes at the same moment share an object, too
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(:place, 1))")
