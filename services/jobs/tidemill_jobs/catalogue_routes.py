"""HTTP: what can be run, by whom, and stored pipelines."""

from typing import Any

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from tidemill_contracts.jobs import Job, Pipeline, RunPipeline, StorePipeline
from tidemill_contracts.pages import Page
from tidemill_contracts.processors import ProcessorInfo
from tidemill_jobs import pipelines as stored
from tidemill_jobs.repository import PipelineRepository
from tidemill_jobs.routes import Key, accepted
from tidemill_kit.app import READ, WRITE
from tidemill_kit.auth import caller
from tidemill_kit.idempotency import Once

Pipelines = NamedDependency[PipelineRepository]


class PipelineController(Controller):
    """Stored pipelines."""

    path = "/v1/pipelines"
    tags = ("Pipelines",)

    @get(opt=READ, operation_id="listPipelines")
    async def listed(self, pipelines: Pipelines) -> Page[Pipeline]:
        """The tenant's pipelines and those that ship with the system."""
        return Page(await pipelines.all_of_them())

    @post(opt=WRITE, operation_id="storePipeline")
    async def store(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[StorePipeline],
        pipelines: Pipelines,
        once: NamedDependency[Once],
        idempotency_key: Key = None,
    ) -> Response[Pipeline]:
        """Keep steps under a name."""
        del idempotency_key  # `once` has read it; here it is for the documents
        return await once.answer(
            data,
            lambda: stored.store_pipeline(request.app, pipelines, data),
            location=lambda made: f"/v1/pipelines/{made.name}",
        )

    @get("/{name:str}", opt=READ, operation_id="showPipeline")
    async def show(self, name: FromPath[str], pipelines: Pipelines) -> Pipeline:
        """A stored pipeline."""
        return await stored.find_pipeline(pipelines, name)

    @delete("/{name:str}", opt=WRITE, operation_id="deletePipeline")
    async def remove(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        pipelines: Pipelines,
    ) -> None:
        """Forget a pipeline; jobs made of it go on."""
        await stored.remove_pipeline(request.app, pipelines, name)

    @post("/{name:str}/jobs", opt=WRITE, status_code=202, operation_id="runPipeline")
    async def run(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        data: JSONBody[RunPipeline],
        idempotency_key: Key = None,
    ) -> Response[Job]:
        """Run a stored pipeline on a value or a dataset."""
        principal = caller(request)
        answer = await stored.run_pipeline(request.app, principal, name, data, idempotency_key)
        return accepted(answer)


@get("/v1/processors", opt=READ, tags=["Processors"], operation_id="listProcessors")
async def processors(request: Request[Any, Any, Any]) -> Page[ProcessorInfo]:
    """Every processor that a worker has announced, with the JSON Schema of its parameters."""
    known = await request.app.state.fleet.known()
    return Page([known[name] for name in sorted(known) if not known[name].system])
