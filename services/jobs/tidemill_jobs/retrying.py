"""Running a job that ended again, as a new job."""

import asyncio
from copy import deepcopy
from uuid import UUID

from litestar import Litestar

from tidemill_contracts.identity import Principal
from tidemill_contracts.jobs import RetryJob
from tidemill_jobs import rerun, usecases
from tidemill_jobs.book import Accepted
from tidemill_jobs.commands import Retry
from tidemill_jobs.records import StepRecord
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_kit.lifespan import head
from tidemill_kit.storage import Storage


async def retry_job(
    app: Litestar,
    principal: Principal,
    jobs: JobRepository,
    job_id: UUID,
    order: RetryJob,
    *,
    key: str | None = None,
) -> Accepted:
    """Accept a new job that may use outputs of the old one."""
    cursor, job = str(head(app)), await jobs.get(job_id)
    if job is None:
        raise JobNotFound
    queues = await jobs.queues_of(job_id)
    await jobs.let_go()
    await _check_outputs(app, rerun.reused(job, order))
    made = rerun.draft(
        job,
        order,
        await app.state.fleet.known(),
        created_by=principal.user_id,
        queues=queues,
    )
    asked = {
        "build": lambda: deepcopy(made),
        "job_id": made.id,
        "retry_of": job_id,
        "dataset_id": made.dataset_id,
        "key": usecases.key_of(principal.tenant_id, f"jobs/{job_id}/retry", key, order),
        "concurrency_key": made.key,
        "cursor": cursor,
    }
    return await usecases.accept(app, principal.tenant_id, Retry, asked)


async def _check_outputs(app: Litestar, steps: list[StepRecord]) -> None:
    """Refuse where an object that a step gave is over its retention."""
    storage: Storage = app.state.storage
    bucket = app.state.settings.s3_results_bucket
    for name, keys in rerun.keys_of(steps).items():
        found = await asyncio.gather(*[storage.exists(bucket, key) for key in keys])
        if not all(found):
            rerun.refuse_missing([name])
