"""The streams, and the epoch that says whether their store is still the one it was."""

from typing import Any

import structlog
from nats.aio.client import Client
from sqlalchemy import text

from tidemill_contracts.log import AskEpoch, Cursor, Epoch
from tidemill_kit import streams
from tidemill_kit.db import Database
from tidemill_kit.publisher import NEW_EPOCH
from tidemill_kit.streams import EVENTS, PROGRESS, WORK, StreamRefused

log = structlog.get_logger()
_SECOND = 1_000_000_000
_GIB = 1024**3
_IN_USE = 10058
_SHARED: dict[str, Any] = {"num_replicas": 1, "max_consumers": -1, "allow_direct": True}
STREAMS: dict[str, dict[str, Any]] = {
    EVENTS: {
        "subjects": ["tm.event.>"],
        "retention": "limits",
        "storage": "file",
        "compression": "s2",
        "max_age": 3 * 86_400 * _SECOND,
        "max_bytes": 2 * _GIB,
        "duplicate_window": 120 * _SECOND,
        "allow_atomic": True,
        "deny_delete": True,
        "deny_purge": True,
    },
    WORK: {
        "subjects": ["tm.work.>"],
        "retention": "workqueue",
        "storage": "memory",
        "duplicate_window": 120 * _SECOND,
        "allow_atomic": True,
    },
    PROGRESS: {
        "subjects": ["tm.progress.>"],
        "retention": "limits",
        "storage": "memory",
        "max_msgs_per_subject": 1,
        "max_age": 3_600 * _SECOND,
        "duplicate_window": 60 * _SECOND,
    },
}


async def ensure(client: Client) -> None:
    """Make the streams that are missing; one that is there is left as it is."""
    for name, config in STREAMS.items():
        answer = await streams.ask(
            client,
            f"STREAM.CREATE.{name}",
            {"name": name, "discard": "old", **_SHARED, **config},
        )
        error = answer.get("error")
        if error and error.get("err_code") != _IN_USE:
            raise StreamRefused(f"{name}: {error.get('description')}")


async def epoch(client: Client, database: Database, asked: AskEpoch) -> Epoch:
    """The log's epoch; it grows where the stream knows less than anybody has recorded."""
    await ensure(client)
    async with database.transaction() as connection:
        row = (await connection.execute(_LOCK)).one()
        # after what was recorded: an older head would look like a store that was lost
        head = await streams.last_sequence(client, EVENTS) or 0
        own = Cursor(row.published_epoch, row.position)
        recorded = [row.head, own.position if own.epoch == row.epoch else 0]
        if asked.last_recorded is not None and asked.last_recorded.epoch == row.epoch:
            recorded.append(asked.last_recorded.position)
        number = row.epoch
        if number == 0 or head < max(recorded):
            number += 1
            log.warning("log.epoch", epoch=number, head=head, recorded=max(recorded))
            if head > 0 and row.epoch > 0:
                await _renew(client)
                head = 0
        await connection.execute(_STORE, {"epoch": number, "head": head})
    if number != row.epoch:
        await client.publish(NEW_EPOCH)  # a publisher whose connection held has seen nothing
    return Epoch(epoch=number, head=head)


async def _renew(client: Client) -> None:
    """An older copy of the store came back: what it holds is in PostgreSQL, so begin anew."""
    await streams.ask(client, f"STREAM.DELETE.{EVENTS}")
    await ensure(client)


_LOCK = text("""
select log.epoch, log.head, publisher.epoch as published_epoch, publisher.position
from log, publisher for update of log
""")
_STORE = text("update log set epoch = :epoch, head = :head")
