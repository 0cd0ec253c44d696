"""Stored pipelines: kept by name, checked when they are stored and when they run."""

from litestar import Litestar
from sqlalchemy.exc import DBAPIError, IntegrityError

from tidemill_contracts.identity import Principal
from tidemill_contracts.jobs import Pipeline, RunPipeline, StorePipeline, SubmitJob
from tidemill_jobs import plan, usecases
from tidemill_jobs.book import Accepted
from tidemill_jobs.commands import Unstorable
from tidemill_jobs.repository import PipelineRepository
from tidemill_kit.errors import Conflict, NotFound

# the class of SQLSTATE that bad values have
DATA_EXCEPTION = "22"


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


async def remove_pipeline(pipelines: PipelineRepository, name: str) -> None:
    """Forget the tenant's pipeline of this name."""
    if "\0" in name or not await pipelines.remove(name):
        raise PipelineNotFound


async def run_pipeline(
    app: Litestar,
    principal: Principal,
    pipeline: Pipeline,
    order: RunPipeline,
    key: str | None,
) -> Accepted:
    """Submit the pipeline's steps on a value or a dataset."""
    asked = SubmitJob(
        steps=pipeline.steps,
        value=order.value,
        dataset_id=order.dataset_id,
        priority=order.priority,
        labels=order.labels,
    )
    return await usecases.submit_job(
        app,
        principal,
        asked,
        key=key,
        route=f"pipelines/{pipeline.name}",
        pipeline=pipeline.name,
    )
