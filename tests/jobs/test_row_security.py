"""Row-level security: whoever acts for a caller sees that caller's tenant, whatever it asks."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.jobs.office import Office
from tidemill_kit.db import Database

TABLES = ("jobs", "tasks", "events", "attempts", "datasets", "exports", "job_lines")
ASSUME = text("select set_config('role', 'tidemill_jobs_caller', true)")


async def a_tenant_with_a_job(office: Office) -> UUID:
    draft = office.draft()
    await office.submit(draft)
    await office.run(await office.order())
    return draft.tenant_id


@pytest.mark.parametrize("table", TABLES)
async def test_a_caller_without_a_tenant_sees_nothing(
    office: Office, database: Database, table: str
) -> None:
    await a_tenant_with_a_job(office)

    async with database.transaction() as connection:
        await connection.execute(ASSUME)
        seen = await connection.scalar(text(f"select count(*) from {table}"))

    assert seen == 0


@pytest.mark.parametrize("table", ["jobs", "tasks", "events", "attempts"])
async def test_a_caller_sees_its_own_tenants_rows_alone(
    office: Office, database: Database, table: str
) -> None:
    mine, other = await a_tenant_with_a_job(office), await a_tenant_with_a_job(office)

    async with database.on_behalf_of(mine) as connection:
        rows = await connection.execute(text(f"select tenant_id from {table}"))
        seen = {row.tenant_id for row in rows}

    assert seen == {mine}
    assert other not in seen


async def test_two_tenants_that_share_a_pool_never_see_each_other(
    office: Office, database: Database
) -> None:
    tenants = [await a_tenant_with_a_job(office) for _ in range(2)]
    seen = Counter[tuple[UUID, UUID]]()

    async def look(tenant_id: UUID) -> None:
        async with database.on_behalf_of(tenant_id) as connection:
            rows = await connection.execute(text("select tenant_id from jobs, pg_sleep(0)"))
            seen.update((tenant_id, row.tenant_id) for row in rows)

    await asyncio.gather(*[look(tenants[number % 2]) for number in range(60)])

    assert seen == {(tenant_id, tenant_id): 30 for tenant_id in tenants}


async def test_the_role_ends_with_its_transaction(office: Office, database: Database) -> None:
    tenants = {await a_tenant_with_a_job(office) for _ in range(2)}
    async with database.on_behalf_of(uuid4()) as connection:
        await connection.execute(text("select 1"))

    async with database.transaction() as connection:
        rows = await connection.execute(text("select distinct tenant_id from jobs"))
        seen = {row.tenant_id for row in rows}

    assert tenants <= seen


@pytest.mark.parametrize(
    "statement",
    [
        "update jobs set status = 'succeeded'",
        "delete from events",
        "delete from job_lines",
        "insert into attempts select * from attempts",
        "select * from dead_letters",
        "update pipelines set tenant_id = null",
        "insert into pipelines values (null, 'x', '[]')",
        "set role tidemill_identity",
    ],
)
async def test_a_caller_may_do_no_more_than_its_routes_need(
    database: Database, statement: str
) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|row-level security"):
        async with database.on_behalf_of(uuid4()) as connection:
            await connection.execute(text(statement))


async def test_a_caller_cannot_take_another_tenants_pipeline_away(database: Database) -> None:
    mine, other = uuid4(), uuid4()
    name = uuid4().hex
    insert = text("insert into pipelines (tenant_id, name, steps) values (:tenant, :name, '[]')")
    async with database.on_behalf_of(mine) as connection:
        await connection.execute(insert, {"tenant": mine, "name": name})

    async with database.on_behalf_of(other) as connection:
        found = await connection.execute(text("delete from pipelines where true"))

    async with database.transaction() as connection:
        left = await connection.scalar(
            text("select count(*) from pipelines where name = :name"), {"name": name}
        )
    assert (found.rowcount, left) == (0, 1)
