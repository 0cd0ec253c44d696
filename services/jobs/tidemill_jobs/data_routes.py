"""HTTP: from jobs to datasets, and what came from what."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from tidemill_contracts.datasets import Dataset
from tidemill_contracts.lineage import Lineage, SaveResult
from tidemill_jobs import lineage, saving
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.routes import Jobs, Key
from tidemill_kit.app import READ, WRITE, Caller


@post(
    "/v1/jobs/{job_id:uuid}/result/dataset",
    opt=WRITE,
    status_code=201,
    tags=["Jobs"],
    operation_id="saveResult",
)
async def save_result(
    request: Request[Any, Any, Any],
    job_id: FromPath[UUID],
    data: JSONBody[SaveResult],
    principal: Caller,
    jobs: Jobs,
    idempotency_key: Key = None,
) -> Response[Dataset]:
    """Make a dataset of the frame that a job gave; it becomes ready by itself, as after an upload.

    The dataset has a copy of its own, which stays when the job is deleted.
    """
    return await saving.save_result(request.app, principal, jobs, job_id, data, key=idempotency_key)


@get("/v1/jobs/{job_id:uuid}/lineage", opt=READ, tags=["Jobs"], operation_id="jobLineage")
async def job_lineage(
    request: Request[Any, Any, Any],
    job_id: FromPath[UUID],
    principal: Caller,
    jobs: Jobs,
) -> Lineage:
    """What the job read and where that came from, and what was made of its result."""
    if await jobs.get(job_id) is None:
        raise JobNotFound
    found = await lineage.around_job(jobs.connection, job_id)
    return await lineage.named(request.app, principal.tenant_id, found)
