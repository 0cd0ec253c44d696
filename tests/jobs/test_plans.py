"""With ten million jobs every list and every sweep walks an index: no table is read, none sorted.

PostgreSQL plans by its statistics; they are planted as ten million jobs would leave them.
"""

from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tests.jobs import many
from tidemill_jobs import forgetting, letters, listing, sweeper
from tidemill_stack.stack import Stack

ROWS, PRETENDED = 4_000, 10_000_000
FEW = 50_000
ANALYZE = "analyze jobs, tasks, job_facets"
SWEEPS = {
    "suspects": sweeper.SUSPECT,
    "due": sweeper.DUE,
    "next_due": sweeper.NEXT_DUE,
    "of_a_worker": sweeper.OF_WORKER,
    "waiting_for_workers": sweeper.WAITING_FOR_WORKERS,
    "held_back": sweeper.HELD_BACK,
    "failures": letters.FAILURES,
    "old": forgetting.OLD,
    "told_of_old": forgetting.TOLD,
}
"""Every query that the sweeper and the forgetter ask, and other looks at all jobs."""


@pytest.fixture(scope="module")
async def planted(infra: Stack) -> AsyncGenerator[AsyncConnection]:
    """A transaction, never committed, in which PostgreSQL believes in ten million jobs."""
    url = infra.postgres_url().replace("postgresql://", "postgresql+asyncpg://", 1)
    settings = {"server_settings": {"search_path": "jobs"}}
    engine = create_async_engine(url, connect_args=settings)
    async with engine.connect() as connection:
        for statement in (many.jobs(1, ROWS), many.tasks(1, ROWS), ANALYZE):
            await connection.execute(text(statement))
        await connection.execute(_PRETEND, {"factor": PRETENDED / ROWS})
        yield connection
        await connection.rollback()
    await engine.dispose()


async def plan_of(connection: AsyncConnection, query: str, values: dict[str, Any]) -> Any:
    """The nodes of the plan that is made of a query, as the service's own role asks it."""
    asked = listing.typed(f"explain (format json) {query}").bindparams(**values)
    found: Any = (await connection.execute(asked)).scalar_one()
    return list(nodes(found[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def given_to(query: TextClause) -> dict[str, Any]:
    """Values for what a sweep asks for."""
    values: dict[str, Any] = {
        "order_s": 15.0,
        "ended": 86_400.0,
        "failed": 86_400.0,
        "live": '["noop"]',
        "worker": "w",
        "queue": "default",
        "after": UUID(int=0),
        "tenant": many.TENANT,
        "kinds": 1_000,
        "limit": 50,
        "since": datetime(2026, 1, 1, tzinfo=UTC),
        "until": datetime.now(UTC),
    }
    return {key: value for key, value in values.items() if f":{key}" in query.text}


async def faults(connection: AsyncConnection, plan: list[dict[str, Any]]) -> list[str]:
    """Nodes that read a large table whole or sort more than a page has."""
    large = set(await connection.scalars(_LARGE))
    return [
        f"{node['Node Type']} {node.get('Relation Name', '')} {node['Plan Rows']} rows"
        for node in plan
        if (node["Node Type"] == "Seq Scan" and node["Relation Name"] in large)
        or (node["Node Type"] in _SORTS and node["Plan Rows"] > FEW)
    ]


@pytest.mark.parametrize("name", many.FILTERS)
@pytest.mark.parametrize("role", ["tidemill_jobs", "tidemill_jobs_caller"])
async def test_a_list_walks_an_index(planted: AsyncConnection, name: str, role: str) -> None:
    before = UUID(int=2**127)
    query = listing.plan(many.FILTERS[name], many.TENANT, before)
    await planted.execute(_ASSUME, {"role": role, "tenant": str(many.TENANT)})

    page = await plan_of(planted, query.page, {**query.values, "limit": 51})
    floor = await plan_of(planted, query.floor, query.place)
    await planted.execute(text("reset role"))

    assert await faults(planted, page) == []
    assert await faults(planted, floor) == []
    assert any("Index" in node["Node Type"] for node in page)


async def test_a_query_without_an_index_would_be_seen(planted: AsyncConnection) -> None:
    query = "select id from jobs where updated_at > now() order by updated_at"

    plan = await plan_of(planted, query, {})

    assert len(await faults(planted, plan)) > 0


@pytest.mark.parametrize("name", SWEEPS)
async def test_a_sweep_walks_indexes(planted: AsyncConnection, name: str) -> None:
    query: TextClause = SWEEPS[name]

    plan = await plan_of(planted, query.text, given_to(query))

    assert await faults(planted, plan) == []


_LARGE = text("""
select relname::text from pg_class
where relnamespace = 'jobs'::regnamespace and relkind = 'r' and reltuples > 100000
""")
_SORTS = ("Sort", "Incremental Sort")
_ASSUME = text("select set_config('role', :role, true), set_config('tm.tenant', :tenant, true)")
_PRETEND = text("""
select pg_restore_relation_stats('schemaname', 'jobs', 'relname', relname::text,
    'relpages', greatest(pg_relation_size(oid) / 8192, 1)::int,
    'reltuples', (reltuples * :factor)::real)
from pg_class where relnamespace = 'jobs'::regnamespace and relkind in ('r', 'i')
and reltuples > 0 and relname ~ '^(jobs|tasks|job_facets)'
""")
