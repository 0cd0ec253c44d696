"""How many events wait to be published: while NATS is there and too many do, submits wait."""

import asyncio

from litestar import Litestar
from nats.aio.client import Client
from sqlalchemy import text

from tidemill_jobs.ledger import Ledger
from tidemill_kit.db import Database
from tidemill_kit.errors import failure_of

LOOK_S = 1.0
MAX_WAITING = 10_000


async def watch(app: Litestar) -> None:
    """Look once a second, at no more entries of an index than the limit has."""
    while True:
        await failure_of(look(app.state.database, app.state.ledger, app.state.get("client")))
        await asyncio.sleep(LOOK_S)


async def look(database: Database, ledger: Ledger, client: Client | None) -> None:
    async with database.transaction() as connection:
        waiting = await connection.scalar(_WAITING, {"most": MAX_WAITING + 1}) or 0
    ledger.behind = waiting > MAX_WAITING and client is not None and client.is_connected


_WAITING = text("""
select count(*) from (select from events where stream_seq is null limit :most) waiting
""")
