"""Lists of jobs: whatever is asked for, the pages together hold exactly that, newest first."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tests.e2e.people import Person
from tests.jobs import many
from tidemill_contracts.bulk import JobFilter
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import JobStatus
from tidemill_jobs import listing
from tidemill_jobs.repository import JobRepository
from tidemill_stack.stack import Stack

CROWD = 12_000
FAR_AWAY = "2100-01-01T00:00:00Z"


@pytest.fixture(scope="session")
async def crowd(infra: Stack) -> AsyncGenerator[AsyncConnection]:
    """A transaction, never committed, with more jobs than a page looks at."""
    url = infra.postgres_url().replace("postgresql://", "postgresql+asyncpg://", 1)
    settings = {"server_settings": {"search_path": "jobs"}}
    engine = create_async_engine(url, connect_args=settings)
    async with engine.connect() as connection:
        await connection.execute(text(many.jobs(1, CROWD)))
        yield connection
        await connection.rollback()
    await engine.dispose()


async def all_pages(connection: AsyncConnection, wanted: JobFilter, limit: int) -> list[UUID]:
    jobs = JobRepository(connection, many.TENANT)
    found: list[UUID] = []
    before: UUID | None = None
    while True:
        page = await listing.newest(jobs, wanted, before=before, limit=limit)
        assert len(page.jobs) <= limit
        found += [job.id for job in page.jobs]
        if page.before is None:
            return found
        before = page.before


async def expected(connection: AsyncConnection, wanted: JobFilter) -> list[UUID]:
    """What a look at every job says."""
    conditions = ["tenant_id = :tenant", "system = :system"]
    given: dict[str, Any] = {"tenant": many.TENANT, "system": wanted.system}
    for condition, name, value in (
        ("status = any(:status)", "status", [status.value for status in wanted.status]),
        ("processors @> :processors", "processors", wanted.processor and [wanted.processor]),
        ("labels @> :labels", "labels", wanted.labels),
        ("queue = :queue", "queue", wanted.queue),
        ("pipeline = :pipeline", "pipeline", wanted.pipeline),
        ("retry_of = :retry_of", "retry_of", wanted.retry_of),
        ("created_at >= :later", "later", wanted.created_after),
        ("created_at < :earlier", "earlier", wanted.created_before),
    ):
        if value:
            conditions.append(condition)
            given[name] = value
    sql = f"select id from jobs where {' and '.join(conditions)} order by id desc"
    return list(await connection.scalars(listing.typed(sql).bindparams(**given)))


@pytest.mark.parametrize("name", [name for name in many.FILTERS if name != "a_frequent_status"])
async def test_pages_hold_exactly_what_fits(crowd: AsyncConnection, name: str) -> None:
    wanted = many.FILTERS[name]
    fitting = await expected(crowd, wanted)
    limit = 7 if len(fitting) < 1_000 else 900

    found = await all_pages(crowd, wanted, limit)

    assert found == fitting


async def test_a_page_looks_at_so_many_jobs_and_leads_on(crowd: AsyncConnection) -> None:
    jobs = JobRepository(crowd, many.TENANT)
    one_in_a_hundred = JobFilter(system=True, queue="default")

    page = await listing.newest(jobs, one_in_a_hundred, before=None, limit=1_000)

    assert len(page.jobs) == listing.WALK / 100
    assert page.before is not None


async def test_jobs_are_found_by_each_thing_that_can_be_asked_for(ann: Person) -> None:
    team, began = uuid7().hex, datetime.now(UTC) - timedelta(seconds=2)
    order = {"processor": "noop", "run_at": FAR_AWAY, "labels": {"team": team, "kind": "a:b"}}
    made = (await ann.ask("POST", "/v1/jobs", json=order)).json()["id"]
    other = (await ann.ask("POST", "/v1/jobs", json=order | {"labels": {"team": "x"}})).json()
    cancelled = await ann.client.cancel(UUID(other["id"]))

    mine = await ann.client.jobs(labels={"team": team, "kind": "a:b"}, created_after=began)
    both = await ann.client.jobs(status=[JobStatus.SCHEDULED, JobStatus.CANCELLED], limit=2)
    none = await ann.client.jobs(retry_of=uuid4())
    earlier = await ann.client.jobs(labels={"team": team}, created_before=began)

    assert [str(job.id) for job in mine.items] == [made]
    assert [job.id for job in both.items] == [cancelled.id, UUID(made)]
    assert (none.items, earlier.items) == ([], [])


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "label=team",
        "label=a:b%00",
        "processor=a%00",
        "created_after=yesterday",
        "created_after=2026-01-01T00:00:00",
        "cursor=here",
        "limit=0",
    ],
)
async def test_a_filter_that_cannot_be_is_refused(ann: Person, query: str) -> None:
    answer = await ann.ask("GET", f"/v1/jobs?{query}")

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
