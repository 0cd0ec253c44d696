"""Stored pipelines: kept by name, checked when they are stored and when they run."""

import time
from uuid import UUID

from litestar import Litestar
from msgspec.structs import asdict
from sqlalchemy.exc import DBAPIError, IntegrityError

from tidemill_contracts.identity import Principal
from tidemill_contracts.jobs import Pipeline, RunPipeline, StorePipeline, SubmitJob
from tidemill_jobs import plan, usecases
from tidemill_jobs.book import Accepted
from tidemill_jobs.refusals import Unstorable
from tidemill_jobs.repository import PipelineRepository
from tidemill_kit.db import Database
from tidemill_kit.errors import Conflict, NotFound

# the class of SQLSTATE that bad values have
DATA_EXCEPTION = "22"
FRESH_S = 1.0
MAX_RECENT = 1_000


class PipelineNotFound(NotFound):
    """There is no pipeline of this name."""


class PipelineExists(Conflict):
    """There is a pipeline of this name already."""


async def store_pipeline(
    app: Litestar,
    pipelines: PipelineRepository,
    order: StorePipeline,
) -> Pipeline:
    """Keep a pipeline whose steps fit together for some input."""
    processors = await app.state.fleet.known()
    plan.plan(order.steps, processors, has_dataset=True, has_value=True)
    if await pipelines.get(order.name) is not None:
        raise PipelineExists
    pipeline = Pipeline(name=order.name, steps=order.steps, summary=order.summary)
    try:
        await pipelines.add(pipeline)
    except IntegrityError as error:
        raise PipelineExists from error
    except DBAPIError as error:
        if str(getattr(error.orig, "sqlstate", "")).startswith(DATA_EXCEPTION):
            raise Unstorable from error
        raise
    return pipeline


async def find_pipeline(pipelines: PipelineRepository, name: str) -> Pipeline:
    found = await pipelines.get(name) if "\0" not in name else None
    if found is None:
        raise PipelineNotFound
    return found


async def remove_pipeline(app: Litestar, pipelines: PipelineRepository, name: str) -> None:
    """Forget the tenant's pipeline of this name."""
    if "\0" in name or not await pipelines.remove(name):
        raise PipelineNotFound
    app.state.recent.forget(pipelines.tenant_id, name)


class RecentPipelines:
    """Pipelines that just ran: one that is run a thousand times a second is read once in it.

    A pipeline cannot be changed, only removed and stored anew: where that happens through another
    replica, this one runs the older steps for a second more.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[UUID, str], tuple[float, Pipeline]] = {}

    async def find(self, database: Database, tenant_id: UUID, name: str) -> Pipeline:
        """The tenant's pipeline of this name, or the one that ships with the system."""
        read_at, found = self._read.get((tenant_id, name), (float("-inf"), None))
        if found is not None and time.monotonic() - read_at < FRESH_S:
            return found
        async with database.on_behalf_of(tenant_id) as connection:
            found = await find_pipeline(PipelineRepository(connection, tenant_id), name)
        if len(self._read) >= MAX_RECENT:
            self._read.clear()
        self._read[tenant_id, name] = time.monotonic(), found
        return found

    def forget(self, tenant_id: UUID, name: str) -> None:
        self._read.pop((tenant_id, name), None)


async def run_pipeline(
    app: Litestar,
    principal: Principal,
    name: str,
    order: RunPipeline,
    key: str | None,
) -> Accepted:
    """Submit the pipeline's steps as the order says."""
    recent: RecentPipelines = app.state.recent
    pipeline = await recent.find(app.state.database, principal.tenant_id, name)
    asked = SubmitJob(steps=pipeline.steps, **asdict(order))
    return await usecases.submit_job(
        app,
        principal,
        asked,
        key=key,
        route=f"pipelines/{pipeline.name}",
        pipeline=pipeline.name,
    )
