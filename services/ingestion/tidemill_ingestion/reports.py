"""Reports of collections: one row each, also the sign that one is under way."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, text, update

from tidemill_contracts.collection import Collection
from tidemill_contracts.ids import now, uuid7
from tidemill_ingestion.tables import collections
from tidemill_kit.db import Database
from tidemill_kit.errors import Conflict, NotFound

SILENT = timedelta(minutes=5)
KEPT = timedelta(days=90)
_SHOWN = [collections.c[name] for name in Collection.__struct_fields__]


class CollectionRunning(Conflict):
    """A collection is under way."""

    retry_after_s = 5


class CollectionNotFound(NotFound):
    """There is no such collection."""


class CollectionReports:
    """The table of reports; it belongs to the system, not to a tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, *, dry_run: bool, every_s: float | None = None) -> Collection:
        """A new report; CollectionRunning where one is open, or began less than `every_s` ago."""
        moment = now()
        made = Collection(id=uuid7(), dry_run=dry_run, started_at=moment)
        async with self._database.transaction() as connection:
            await connection.execute(_ONE_AT_A_TIME)
            open_ = collections.c.finished_at.is_(None)
            await connection.execute(
                update(collections)
                .where(open_, collections.c.beat_at < moment - SILENT)
                .values(finished_at=moment, error="its process ended"),
            )
            lately = open_
            if every_s is not None:
                recent = collections.c.started_at > moment - timedelta(seconds=every_s)
                lately = open_ | (recent & ~collections.c.dry_run)
            if (await connection.execute(select(collections.c.id).where(lately).limit(1))).first():
                raise CollectionRunning
            values = {"id": made.id, "dry_run": dry_run, "started_at": moment, "beat_at": moment}
            await connection.execute(insert(collections).values(values | {"found": {}}))
        return made

    async def beat(self, report: Collection) -> None:
        await self._change(report.id, {"beat_at": now()})

    async def finish(self, report: Collection) -> None:
        """Keep what was found, and forget reports of long ago."""
        found = {"found": msgspec.to_builtins(report.found), "error": report.error}
        await self._change(report.id, {**found, "finished_at": report.finished_at})
        async with self._database.transaction() as connection:
            await connection.execute(_FORGET, {"before": now() - KEPT})

    async def get(self, report_id: UUID) -> Collection:
        async with self._database.transaction() as connection:
            query = select(*_SHOWN).where(collections.c.id == report_id)
            row = (await connection.execute(query)).first()
        if row is None:
            raise CollectionNotFound
        return msgspec.convert(row, Collection, from_attributes=True)

    async def newest(self, limit: int) -> list[Collection]:
        query = select(*_SHOWN).order_by(collections.c.id.desc()).limit(limit)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).all()
        return [msgspec.convert(row, Collection, from_attributes=True) for row in rows]

    async def _change(self, report_id: UUID, values: Mapping[str, Any]) -> None:
        change = update(collections).where(collections.c.id == report_id).values(dict(values))
        async with self._database.transaction() as connection:
            await connection.execute(change)


_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('collections', 2))")
_FORGET = text("delete from collections where started_at < :before")
