"""A service's recorded events, answered to whoever has missed some."""

from collections.abc import Sequence
from typing import Any

from msgspec import Raw
from msgspec.structs import replace
from nats.aio.client import Client
from sqlalchemy import ARRAY, Row, Text, TextClause, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.log import AskEvents, Cursor, History, RecordedEvent
from tidemill_kit.bus import answer
from tidemill_kit.db import Database

MAX_EVENTS = 1_000
MAX_BYTES = 700_000


async def serve(client: Client, database: Database, forgotten: TextClause | None = None) -> None:
    """Answer `tm.rpc.<service>.events` out of the service's own table.

    `forgotten` finds the epoch and the position up to which events may be missing there.
    """

    async def find(request: AskEvents) -> History:
        async with database.transaction() as connection:
            found = await events(connection, request)
            if forgotten is None or request.key is not None:
                return found
            row = (await connection.execute(forgotten)).one()
            return replace(found, complete_from=Cursor(row.epoch, row.position))

    await answer(client, f"tm.rpc.{database.service}.events", AskEvents, find)


async def events(connection: AsyncConnection, request: AskEvents) -> History:
    """A page of history in order: of one thing by `key`, else of the whole context after a cursor.

    Events without a cursor are committed but not published; they come for a `key` only.
    """
    limit = min(max(request.limit, 1), MAX_EVENTS)
    recorded = await _complete_to(connection)
    if request.key is not None:
        rows = await _of_one(connection, request, limit)
        known = bool(rows) or await _known(connection, request)
        return History(items=_within_payload(rows), complete_to=recorded, known=known)
    after = request.after or Cursor(0, 0)
    values = {
        "epoch": after.epoch,
        "position": after.position,
        "tenant": request.tenant_id,
        "facts": request.facts,
        "limit": limit,
    }
    found = await connection.execute(_AFTER, values)
    return History(items=_within_payload(found.all()), complete_to=recorded)


async def _complete_to(connection: AsyncConnection) -> Cursor:
    row = (await connection.execute(text("select epoch, position from publisher"))).one()
    return Cursor(row.epoch, row.position)


async def _of_one(
    connection: AsyncConnection,
    request: AskEvents,
    limit: int,
) -> Sequence[Row[Any]]:
    values = {
        "key": request.key,
        "tenant": request.tenant_id,
        "seq": request.after_seq,
        "limit": limit,
    }
    return (await connection.execute(_OF_ONE, values)).all()


async def _known(connection: AsyncConnection, request: AskEvents) -> bool:
    values = {"key": request.key, "tenant": request.tenant_id}
    return bool(await connection.scalar(_IS_KNOWN, values))


def _within_payload(rows: Sequence[Row[Any]]) -> list[RecordedEvent]:
    size, items = 0, list[RecordedEvent]()
    for row in rows:
        size += len(row.body)
        if items and size > MAX_BYTES:
            break
        cursor = None if row.stream_seq is None else Cursor(row.epoch, row.stream_seq)
        items.append(RecordedEvent(row.subject, Raw(row.body), cursor))
    return items


_COLUMNS = "select subject, body, epoch, stream_seq from events"
_AFTER = text(
    f"""{_COLUMNS}
    where stream_seq is not null and (epoch, stream_seq) > (:epoch, :position)
    and (:tenant is null or tenant_id = :tenant)
    and (:facts is null or substr(subject, 43) = any(:facts))
    order by epoch, stream_seq limit :limit""",
).bindparams(bindparam("tenant", type_=Uuid), bindparam("facts", type_=ARRAY(Text)))
_MINE = "where key = :key and tenant_id = :tenant"
_OF_ONE = text(f"{_COLUMNS} {_MINE} and seq > :seq order by seq limit :limit")
_IS_KNOWN = text(f"select exists (select 1 from events {_MINE})")
