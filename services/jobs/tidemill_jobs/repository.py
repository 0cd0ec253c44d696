"""Reads of jobs, pipelines and attempts on behalf of a tenant."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw
from msgspec.structs import replace
from sqlalchemy import Select, delete, insert, select

from tidemill_contracts.jobs import Attempt, Pipeline
from tidemill_jobs.records import JobRecord
from tidemill_jobs.tables import attempts, events, jobs, pipelines, tasks
from tidemill_kit.db import Repository


class JobRepository(Repository):
    """A tenant's jobs; row-level security stands behind each `where`."""

    events = events

    async def get(self, job_id: UUID) -> JobRecord | None:
        return await self.first(self._mine().where(jobs.c.id == job_id), JobRecord)

    async def history(self, job_id: UUID, *, after: int, limit: int) -> list[Raw]:
        """A job's events as they were written, oldest first."""
        query = select(events.c.body).where(
            events.c.key == job_id,
            events.c.tenant_id == self.tenant_id,
            events.c.seq > after,
        )
        rows = await self.connection.scalars(query.order_by(events.c.seq).limit(limit))
        return [Raw(body) for body in rows]

    async def history_to(self, job_id: UUID, last: int) -> list[bytes]:
        """A job's events up to the one with this number, oldest first."""
        query = select(events.c.body).where(
            events.c.key == job_id,
            events.c.tenant_id == self.tenant_id,
            events.c.seq <= last,
        )
        return list(await self.connection.scalars(query.order_by(events.c.seq)))

    async def attempts(self, job_id: UUID) -> list[Attempt]:
        query = select(attempts).where(
            attempts.c.job_id == job_id,
            attempts.c.tenant_id == self.tenant_id,
        )
        found = await self.all(query.order_by(attempts.c.started_at), Attempt)
        return [
            replace(each, duration_s=(each.finished_at - each.started_at).total_seconds())
            if each.finished_at
            else each
            for each in found
        ]

    async def queues_of(self, job_id: UUID) -> dict[int, str]:
        """The queue of each of the job's steps, by the step's place in the list."""
        query = select(tasks.c.steps, tasks.c.queue).where(
            tasks.c.job_id == job_id,
            tasks.c.tenant_id == self.tenant_id,
        )
        rows = (await self.connection.execute(query)).all()
        return {index: row.queue for row in rows for index in row.steps}

    def _mine(self) -> Select[Any]:
        return select(jobs).where(jobs.c.tenant_id == self.tenant_id)


class PipelineRepository(Repository):
    """Stored pipelines: the tenant's and those that ship with the system."""

    events = events

    async def get(self, name: str) -> Pipeline | None:
        query = select(pipelines).where(pipelines.c.name == name)
        return await self.first(query.order_by(pipelines.c.tenant_id.nulls_last()), Pipeline)

    async def all_of_them(self) -> list[Pipeline]:
        return await self.all(select(pipelines).order_by(pipelines.c.name), Pipeline)

    async def add(self, pipeline: Pipeline) -> None:
        values = msgspec.to_builtins(pipeline)
        await self.run(insert(pipelines).values(tenant_id=self.tenant_id, **values))

    async def remove(self, name: str) -> bool:
        mine = pipelines.c.tenant_id == self.tenant_id
        return await self.run(delete(pipelines).where(mine, pipelines.c.name == name)) > 0
