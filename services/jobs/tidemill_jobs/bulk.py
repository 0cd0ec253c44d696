"""One order for many jobs: cancel, retry or delete whatever a filter finds."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from litestar import Litestar
from msgspec.structs import replace

from tidemill_contracts.bulk import BulkDone, BulkJobs, BulkOp, JobFilter
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import CancelJob, JobStatus, RetryJob
from tidemill_jobs import listing, removal, retrying, usecases
from tidemill_jobs.repository import JobRepository
from tidemill_kit.db import Database
from tidemill_kit.errors import Invalid, TidemillError

AT_ONCE = 1_000
SIDE_BY_SIDE = {BulkOp.CANCEL: 200, BulkOp.RETRY: 4, BulkOp.DELETE: 4}
APPLIES: dict[BulkOp, frozenset[JobStatus]] = {
    BulkOp.CANCEL: frozenset(status for status in JobStatus if not status.is_final),
    BulkOp.RETRY: frozenset(status for status in JobStatus if status.is_final),
    BulkOp.DELETE: frozenset(status for status in JobStatus if status.is_final),
}
# what is retried unless the filter names statuses: nobody wants a success once more by accident
WITHOUT_STATUS = {**APPLIES, BulkOp.RETRY: frozenset({JobStatus.FAILED, JobStatus.EXPIRED})}
type Work = Callable[[UUID], Awaitable[str]]


class NothingToDo(Invalid):
    """Jobs of these statuses cannot be treated so."""


async def run(
    app: Litestar,
    principal: Principal,
    order: BulkJobs,
    *,
    before: UUID | None,
    key: str | None,
) -> tuple[BulkDone, UUID | None]:
    """Treat at most a thousand jobs; answers what became of them and where to go on.

    Jobs that come while this goes on, such as the retries it makes, are left alone.
    """
    wanted = narrowed(order, now())
    database: Database = app.state.database
    async with database.on_behalf_of(principal.tenant_id) as connection:
        jobs = JobRepository(connection, principal.tenant_id)
        found = await listing.newest(jobs, wanted, before=before, limit=AT_ONCE)
    ids = [job.id for job in found.jobs]
    outcomes = Counter[str]()
    if not order.dry_run:
        treat = _work(app, principal, order.op, key)
        size = SIDE_BY_SIDE[order.op]
        for start in range(0, len(ids), size):
            chunk = ids[start : start + size]
            outcomes.update(await asyncio.gather(*[_outcome(treat, each) for each in chunk]))
    return BulkDone(matched=len(ids), outcomes=dict(outcomes)), found.before


def narrowed(order: BulkJobs, moment: datetime) -> JobFilter:
    """The filter with the statuses that the operation applies to, and nothing newer than now."""
    asked, applies = order.filter.status, APPLIES[order.op]
    status = sorted(applies & set(asked) if asked else WITHOUT_STATUS[order.op])
    if not status:
        raise NothingToDo
    until = min(order.filter.created_before or moment, moment)
    return replace(order.filter, status=status, created_before=until)


def _work(app: Litestar, principal: Principal, op: BulkOp, key: str | None) -> Work:
    async def cancel(job_id: UUID) -> str:
        order, by = CancelJob(reason="bulk"), principal.user_id
        job, _ = await usecases.cancel_job(app, principal.tenant_id, job_id, order, by=by)
        return job.status.value

    async def retry(job_id: UUID) -> str:
        database: Database = app.state.database
        async with database.on_behalf_of(principal.tenant_id) as connection:
            jobs = JobRepository(connection, principal.tenant_id)
            await retrying.retry_job(app, principal, jobs, job_id, RetryJob(), key=key)
        return "retried"

    async def delete(job_id: UUID) -> str:
        await removal.remove_job(app, principal.tenant_id, job_id, principal.user_id)
        return "deleted"

    return {BulkOp.CANCEL: cancel, BulkOp.RETRY: retry, BulkOp.DELETE: delete}[op]


async def _outcome(treat: Work, job_id: UUID) -> str:
    try:
        return await treat(job_id)
    except TidemillError as error:
        return error.code()
