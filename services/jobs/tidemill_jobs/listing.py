"""Lists of jobs that hold at any size: each is a walk along one index, newest first.

An index is chosen by what is asked for; everything else is looked at row by row, of at most WALK
rows for a page. So a page may hold fewer jobs than asked for and still have another after it.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ARRAY, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from tidemill_contracts.bulk import JobFilter
from tidemill_contracts.jobs import JobStatus
from tidemill_jobs.records import JobRecord
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.tables import jobs

WALK = 10_000
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
DEFAULT_QUEUE = "default"


class Found(Struct, frozen=True):
    """A page of jobs, and below which id the next one starts; None where nothing is left."""

    jobs: list[JobRecord]
    before: UUID | None


class Query(Struct, frozen=True):
    """A filter as SQL: the ways to walk, what is looked at on each, and the values for both."""

    walk: str
    looks: str
    values: dict[str, Any]
    ways: int

    @property
    def place(self) -> dict[str, Any]:
        """The values that a walk alone takes."""
        return {name: self.values[name] for name in ("tenant", "ways", "below", "from")}

    @property
    def page(self) -> str:
        """Jobs that fit, newest first; `limit 1` keeps the planner on the walk."""
        return f"""
        select found.* from unnest(cast(:ways as text[])) way (name) cross join lateral (
            select job.* from ({self.walk} limit {WALK}) walked cross join lateral (
                select * from jobs where jobs.id = walked.id and {self.looks} limit 1
            ) job order by walked.id desc limit :limit
        ) found order by found.id desc limit :limit
        """

    @property
    def floor(self) -> str:
        """The id down to which every way has been walked; null where all were to their ends."""
        return f"""
        select id from unnest(cast(:ways as text[])) way (name) cross join lateral (
            {self.walk} offset {WALK - 1} limit 1
        ) last order by id desc limit 1
        """


async def newest(
    repository: JobRepository,
    wanted: JobFilter,
    *,
    before: UUID | None,
    limit: int,
) -> Found:
    """The newest jobs that fit, below an id."""
    query = plan(wanted, repository.tenant_id, before)
    await repository.connection.execute(ALONG_INDEXES)
    found = await repository.all(
        typed(query.page).bindparams(limit=limit + 1, **query.values).columns(*jobs.columns),
        JobRecord,
    )
    floor = None
    if len(found) <= limit or query.ways > 1:
        floor = await repository.connection.scalar(text(query.floor), query.place)
    page = [job for job in found if floor is None or job.id >= floor]
    if len(page) > limit:
        return Found(page[:limit], page[limit - 1].id)
    return Found(page, floor)


def plan(wanted: JobFilter, tenant_id: UUID, before: UUID | None) -> Query:
    """The index that fits best, and what must be looked at besides."""
    facet = _facet(wanted)
    ways, walk = [""], _ALL
    if facet is not None:
        ways, walk = [facet], _BY_FACET
    elif wanted.status:
        ways, walk = sorted({status.value for status in wanted.status}), _BY_STATUS
    ceiling = LAST if before is None else before
    if wanted.created_before is not None:
        ceiling = min(ceiling, _id_at(wanted.created_before))
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "ways": ways,
        "below": ceiling,
        "from": FIRST if wanted.created_after is None else _id_at(wanted.created_after),
        "system": wanted.system,
    }
    looks = ["jobs.tenant_id = :tenant", "jobs.system = :system"]
    for look, name, value in _looks(wanted):
        if value:
            looks.append(look)
            values[name] = value
    return Query(walk, " and ".join(looks), values, len(ways))


def _facet(wanted: JobFilter) -> str | None:
    """What the fewest jobs are likely to have in common, if there is an index of it."""
    if wanted.retry_of is not None:
        return f"retry_of:{wanted.retry_of}"
    for key, value in wanted.labels.items():
        return f"label:{key}:{value}"
    if wanted.status and JobStatus.SUCCEEDED not in wanted.status:
        return None
    if wanted.pipeline is not None:
        return f"pipeline:{wanted.pipeline}"
    if wanted.queue not in (None, DEFAULT_QUEUE):
        return f"queue:{wanted.queue}"
    return None if wanted.processor is None else f"processor:{wanted.processor}"


def _looks(wanted: JobFilter) -> list[tuple[str, str, Any]]:
    return [
        ("jobs.status = any(:status)", "status", [status.value for status in wanted.status]),
        ("jobs.processors @> :processors", "processors", wanted.processor and [wanted.processor]),
        ("jobs.labels @> :labels", "labels", wanted.labels),
        ("jobs.queue = :queue", "queue", wanted.queue),
        ("jobs.pipeline = :pipeline", "pipeline", wanted.pipeline),
        ("jobs.retry_of = :retry_of", "retry_of", wanted.retry_of),
    ]


def _id_at(moment: datetime) -> UUID:
    """The least id of a job made at this moment: uuid version 7 begins with its milliseconds."""
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def typed(sql: str) -> TextClause:
    """SQL that knows the types of what it is given."""
    kinds: dict[str, Any] = {"status": ARRAY(Text), "processors": JSONB, "labels": JSONB}
    known = [bindparam(name, type_=kind) for name, kind in kinds.items() if f":{name}" in sql]
    return text(sql).bindparams(*known)


# PostgreSQL takes any label for a rare one and would sort all jobs that have it for each page
ALONG_INDEXES = text("""
select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true)
""")
_RANGE = "id < :below and id >= :from order by id desc"
_ALL = f"select id from jobs where tenant_id = :tenant and {_RANGE}"
_BY_STATUS = f"select id from jobs where tenant_id = :tenant and status = way.name and {_RANGE}"
_BY_FACET = """
select job_id as id from job_facets where tenant_id = :tenant and facet = way.name
and job_id < :below and job_id >= :from order by job_id desc
"""
