"""HTTP: deleting a job."""

from typing import Any
from uuid import UUID

from litestar import Request, delete
from litestar.params import FromPath

from tidemill_jobs import removal
from tidemill_kit.app import WRITE, Caller


@delete("/v1/jobs/{job_id:uuid}", opt=WRITE, tags=["Jobs"], operation_id="deleteJob")
async def remove(
    request: Request[Any, Any, Any],
    job_id: FromPath[UUID],
    principal: Caller,
) -> None:
    """Delete a job that has ended, with its results; its events stay in the log for their time."""
    await removal.remove_job(request.app, principal.tenant_id, job_id, principal.user_id)
