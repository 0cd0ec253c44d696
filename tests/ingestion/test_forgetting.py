"""Idempotency keys whose day is over are dropped by the running service."""

import asyncio
from typing import Any

from sqlalchemy import text

from tests.builders import PATIENCE_S
from tests.ingestion.conftest import SignIn, StartIngestion


async def keys_of(service: Any, tenant_id: str) -> list[str]:
    query = text("select key from idempotency_keys where tenant_id = cast(:tenant as uuid)")
    async with service.app.state.database.transaction() as connection:
        return list(await connection.scalars(query, {"tenant": tenant_id}))


async def test_a_service_that_starts_forgets_the_keys_of_yesterday(
    sign_in: SignIn, start: StartIngestion, ingestion: Any
) -> None:
    caller = await sign_in()
    for key in ("old", "new"):
        headers = {"Idempotency-Key": key}
        await caller.http.post(f"/v1/datasets?name={key}", content=b"a", headers=headers)
    async with ingestion.app.state.database.transaction() as connection:
        await connection.execute(text(AGE), {"tenant": caller.tenant_id})

    other = await start()

    async with asyncio.timeout(PATIENCE_S):
        while "old" in await keys_of(other, caller.tenant_id):
            pass
    assert await keys_of(other, caller.tenant_id) == ["new"]


AGE = """
update idempotency_keys set created_at = now() - interval '25 hours'
where key = 'old' and tenant_id = cast(:tenant as uuid)
"""
