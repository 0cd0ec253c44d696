"""What the jobs service does when a tenant is gone: its schedules rest, its open jobs end."""

import asyncio
from contextlib import suppress
from uuid import UUID

from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.identity import TenantDeleted
from tidemill_contracts.jobs import CancelJob
from tidemill_jobs.lifecycle import JobFinished
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.usecases import cancel_job
from tidemill_kit.reactions import Consumers

AT_ONCE = 200


def consumers(app: Litestar) -> Consumers:
    """The reactions, bound to this process' machines."""
    reactions = Consumers("jobs")

    async def end_work(event: TenantDeleted, connection: AsyncConnection) -> None:
        await connection.execute(_REST, {"tenant": event.tenant_id})
        after = UUID(int=0)
        while True:
            values = {"tenant": event.tenant_id, "after": after, "limit": AT_ONCE}
            found: list[UUID] = list(await connection.scalars(_OPEN, values))
            await asyncio.gather(*[_cancel(app, event, job_id) for job_id in found])
            if len(found) < AT_ONCE:
                return
            after = found[-1]

    reactions.on(TenantDeleted)(end_work)
    return reactions


async def _cancel(app: Litestar, event: TenantDeleted, job_id: UUID) -> None:
    order = CancelJob(reason="the tenant was deleted")
    with suppress(JobFinished, JobNotFound):
        await cancel_job(app, event.tenant_id, job_id, order, by=event.by)


_REST = text("""
update schedules set paused = true, note = 'the tenant was deleted' where tenant_id = :tenant
""")
_OPEN = text("""
select id from jobs where tenant_id = :tenant and finished_at is null
and id > :after order by id limit :limit
""")
