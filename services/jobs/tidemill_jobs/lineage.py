"""Lineage: from datasets to the jobs that read them, to the datasets saved from those."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from msgspec.structs import replace
from nats.aio.client import Client
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.lineage import (
    AskLineage,
    AskNames,
    Lineage,
    LineageDataset,
    LineageJob,
)
from tidemill_kit.bus import BusAway, RequestRefused, answer, call
from tidemill_kit.db import Database

ASKED = "tm.rpc.jobs.lineage"
NAMES = "tm.rpc.ingestion.names"
MOST = 200
DEEPEST = 20


async def serve(app: Litestar, client: Client) -> None:
    """Answer ingestion, which knows the names of datasets and not who reads them."""

    async def asked(about: AskLineage) -> Lineage:
        database: Database = app.state.database
        async with database.on_behalf_of(about.tenant_id) as connection:
            return await around_dataset(connection, about.dataset_id)

    await answer(client, ASKED, AskLineage, asked)


async def named(app: Litestar, tenant_id: UUID, found: Lineage) -> Lineage:
    """The lineage with the names that datasets have now, where ingestion can be asked."""
    if not found.datasets:
        return found
    ids = [dataset.id for dataset in found.datasets]
    try:
        asked = AskNames(tenant_id=tenant_id, dataset_ids=ids)
        names = await call(app.state.client, NAMES, asked, dict[UUID, str])
    except (BusAway, RequestRefused):
        return found
    datasets = [replace(dataset, name=names.get(dataset.id)) for dataset in found.datasets]
    return replace(found, datasets=datasets)


async def around_dataset(connection: AsyncConnection, dataset_id: UUID) -> Lineage:
    """What a dataset was made of, and what was made of it."""
    walk = _Walk(connection)
    (dataset,) = await walk.datasets(_DATASETS, [dataset_id]) or [None]
    if dataset is not None:
        await walk.up([dataset])
        await walk.down([dataset])
    return walk.found()


async def around_job(connection: AsyncConnection, job_id: UUID) -> Lineage:
    """What a job read and where that came from, and what was made of its result."""
    walk = _Walk(connection)
    jobs = await walk.jobs(_JOBS, [job_id])
    if jobs:
        await walk.up(await walk.datasets(_DATASETS, _read(jobs)))
        await walk.down(await walk.datasets(_SAVED, [job.id for job in jobs]))
    return walk.found()


class _Walk:
    """Rows met so far, each followed once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._datasets: dict[UUID, LineageDataset] = {}
        self._jobs: dict[UUID, LineageJob] = {}
        self._complete = True

    async def up(self, datasets: list[LineageDataset]) -> None:
        for _ in range(DEEPEST):
            made_by = [each.origin.job_id for each in datasets if each.origin]
            jobs = await self.jobs(_JOBS, made_by)
            datasets = await self.datasets(_DATASETS, _read(jobs))
            if not datasets:
                return
        self._complete = False

    async def down(self, datasets: list[LineageDataset]) -> None:
        for _ in range(DEEPEST):
            jobs = await self.jobs(_READERS, [each.id for each in datasets])
            datasets = await self.datasets(_SAVED, [each.id for each in jobs])
            if not datasets:
                return
        self._complete = False

    async def datasets(self, query: Any, ids: Iterable[UUID]) -> list[LineageDataset]:
        return await self._met(query, ids, self._datasets, LineageDataset)

    async def jobs(self, query: Any, ids: Iterable[UUID]) -> list[LineageJob]:
        return await self._met(query, ids, self._jobs, LineageJob)

    async def _met[T: (LineageDataset, LineageJob)](
        self, query: Any, ids: Iterable[UUID], known: dict[UUID, T], kind: type[T]
    ) -> list[T]:
        """Those found that were not known before."""
        room = MOST - len(known)
        values = {"ids": list(ids), "known": list(known), "room": room + 1}
        if not values["ids"]:
            return []
        rows = (await self._connection.execute(query, values)).mappings().all()
        new = [msgspec.convert(dict(row), kind) for row in rows]
        self._complete = self._complete and len(new) <= room
        known.update((each.id, each) for each in new[:room])
        return new[:room]

    def found(self) -> Lineage:
        return Lineage(
            datasets=sorted(self._datasets.values(), key=lambda each: each.id),
            jobs=sorted(self._jobs.values(), key=lambda each: each.id),
            complete=self._complete,
        )


def _read(jobs: list[LineageJob]) -> list[UUID]:
    return [job.dataset_id for job in jobs if job.dataset_id]


_ORIGIN = """case when origin_job is not null
    then jsonb_build_object('job_id', origin_job, 'step', origin_step) end as origin"""
_ONE_DATASET = f"select id, status, {_ORIGIN} from datasets"
_ONE_JOB = """select id, status, processors, pipeline, dataset_id, retry_of, created_at
from jobs"""
_REST = "and not id = any(:known) order by id desc limit :room"
_DATASETS = text(f"{_ONE_DATASET} where id = any(:ids) {_REST}")
_SAVED = text(f"{_ONE_DATASET} where origin_job = any(:ids) {_REST}")
_JOBS = text(f"{_ONE_JOB} where id = any(:ids) {_REST}")
_READERS = text(f"{_ONE_JOB} where dataset_id = any(:ids) and not system {_REST}")
