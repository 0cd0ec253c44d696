"""Deleting jobs that have ended: what goes at once, what stays, what is collected later.

The job with its steps, values, tasks, attempts and facets goes at once; the API knows it no more.
Its events stay in the log until their retention, as everybody's: a log with holes proves nothing.
The prefixes of its stored objects are queued as garbage. They may be removed once no other job
uses objects below them, as a retry does that goes on from a later step.
"""

from collections.abc import Sequence
from uuid import UUID

from litestar import Litestar
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.job_events import JobDeleted
from tidemill_contracts.jobs import JobStatus
from tidemill_jobs.lifecycle import JobNotFinished
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_kit.db import Database
from tidemill_kit.errors import Conflict

type Locked = Row[tuple[UUID, UUID, str, bool, int]]


class KeptForItsDataset(Conflict):
    """The system runs this job for itself; what it made goes with its dataset."""


async def remove_job(app: Litestar, tenant_id: UUID, job_id: UUID, by: UUID) -> None:
    """Delete an ended job of the tenant's with the files that were exported of it."""
    database: Database = app.state.database
    values = {"id": job_id, "tenant": tenant_id}
    async with database.transaction() as connection:
        exported = (await connection.scalars(_EXPORTED, values)).all()
        found = (await connection.execute(_LOCK, {"ids": sorted([job_id, *exported])})).all()
        _check(next((row for row in found if row.id == job_id), None), tenant_id)
        await _remove(connection, found, by)


async def forget_exports(
    connection: AsyncConnection, dataset_id: UUID, *, but: str | None = None
) -> None:
    """Delete the files that were exported of a dataset, with the jobs that made them.

    Those of one table may stay; it is named by the job that made it.
    """
    values = {"id": dataset_id, "table": but}
    exported = (await connection.scalars(_OF_DATASET, values)).all()
    found = (await connection.execute(_LOCK, {"ids": sorted(exported)})).all()
    await _remove(connection, found, by=None)
    # one that is still being made is nobody's any more
    await connection.execute(_UNCLAIM, values)


async def _remove(connection: AsyncConnection, found: Sequence[Locked], by: UUID | None) -> None:
    """Delete those that ended; that they were is the last that their events tell."""
    ended = [row for row in found if JobStatus(row.status).is_final]
    for row in ended:
        tenant_id, system = row.tenant_id, row.system
        event = JobDeleted(
            tenant_id=tenant_id, job_id=row.id, seq=row.seq + 1, system=system, by=by
        )
        await JobRepository(connection, tenant_id).record(event)
    for statement in REMOVE if ended else ():
        await connection.execute(statement, {"ids": [row.id for row in ended]})


def _check(job: Locked | None, tenant_id: UUID) -> None:
    if job is None or job.tenant_id != tenant_id:
        raise JobNotFound
    if job.system:
        raise KeptForItsDataset
    if not JobStatus(job.status).is_final:
        raise JobNotFinished(job_status=job.status)


_EXPORTED = text("select export_id from exports where job_id = :id and tenant_id = :tenant")
_OF_TABLES = "exports where job_id = :id and step is distinct from cast(:table as text)"
_OF_DATASET = text(f"select export_id from {_OF_TABLES}")
_UNCLAIM = text(f"delete from {_OF_TABLES}")
_LOCK = text(
    "select id, tenant_id, status, system, seq from jobs"
    " where id = any(:ids) order by id for update",
)
REMOVE = [
    text(statement)
    for statement in (
        """insert into garbage (job_id, tenant_id, prefix)
        select id, tenant_id, tenant_id || '/' || id || '/' from jobs where id = any(:ids)""",
        "delete from exports where job_id = any(:ids) or export_id = any(:ids)",
        "delete from dead_letters where job_id = any(:ids)",
        "delete from job_lines where job_id = any(:ids)",
        "delete from attempts where job_id = any(:ids)",
        "delete from tasks where job_id = any(:ids)",
        "delete from jobs where id = any(:ids)",
    )
]
