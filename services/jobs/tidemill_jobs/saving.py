"""Frames that become datasets: ingestion registers them, a job of the system's adopts them."""

from typing import Any
from uuid import UUID

from litestar import Litestar
from litestar.response import Response

from tidemill_contracts.datasets import Dataset, Origin
from tidemill_contracts.identity import Principal
from tidemill_contracts.lineage import RegisterDataset, Registered, SaveResult
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.results import check_age, kept_step
from tidemill_kit.bus import BusAway, RequestRefused, call
from tidemill_kit.errors import Conflict, Unavailable
from tidemill_kit.idempotency import JSON, REPLAYED, check

REGISTER = "tm.rpc.ingestion.register"
PROBLEM = "application/problem+json"
CREATED = 201


class NoFrame(Conflict):
    """The job gave no frame; only frames become datasets."""


class IngestionAway(Unavailable):
    """The service that keeps datasets does not answer."""

    retry_after_s = 2


async def save_result(
    app: Litestar,
    principal: Principal,
    jobs: JobRepository,
    job_id: UUID,
    order: SaveResult,
    key: str | None,
) -> Response[Dataset]:
    """201 with a dataset that becomes ready by itself, made of the frame that the job gave."""
    if key is not None:
        check(key)
    job = await jobs.get(job_id)
    if job is None:
        raise JobNotFound
    step = kept_step(job)
    if step.kept is None or step.kept.frame is None:
        raise NoFrame
    check_age(app, job)
    asked = RegisterDataset(
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        order=order,
        origin=Origin(job.id, step.name),
        size_bytes=step.kept.frame.size_bytes,
        key=key,
    )
    try:
        found = await call(app.state.client, REGISTER, asked, Registered)
    except (BusAway, RequestRefused) as error:
        raise IngestionAway from error
    return _answered(found)


def _answered(found: Registered) -> Response[Any]:
    if found.status != CREATED:
        return Response(found.body, status_code=found.status, media_type=PROBLEM)
    headers = {"Location": f"/v1/datasets/{found.body['id']}"}
    if found.replayed:
        headers[REPLAYED] = "true"
    return Response(found.body, status_code=CREATED, media_type=JSON, headers=headers)
