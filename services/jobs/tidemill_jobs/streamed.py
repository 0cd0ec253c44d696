"""Whether EVENTS holds what the events table says it holds: message by message, to the byte."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from nats.aio.client import Client

from tidemill_jobs.verification import AT_ONCE, Counts, Difference
from tidemill_kit import streams
from tidemill_kit.streams import EVENTS, Stored

SUBJECTS = "tm.event.*.job.>"


class _Named(Struct):
    job_id: UUID
    seq: int


async def differences(
    connection: asyncpg.Connection,
    client: Client,
    counts: Counts,
) -> AsyncGenerator[Difference | None]:
    """Where table and stream differ, between the stream's first message and the last recorded.

    None stands for an event that is the same in both. What is older the stream has forgotten,
    what is younger is not all recorded yet.
    """
    head = await connection.fetchrow("select epoch, position from publisher")
    assert head is not None  # noqa: S101 - the migration wrote the one row there is
    first = await _first(client)
    messages = _messages(client, first, head["position"])
    message = await anext(messages, None)
    async for row in connection.cursor(_PLACED, head["epoch"], first, prefetch=AT_ONCE):
        while message is not None and message.sequence < row["stream_seq"]:
            if found := await _unplaced(connection, message):
                yield found
            message = await anext(messages, None)
        counts.events += 1
        if message is None or message.sequence > row["stream_seq"]:
            if row["stream_seq"] >= await _first(client):
                yield _difference(row, "nothing")
            continue
        if message.body != row["body"] or message.subject != row["subject"]:
            yield _difference(row, "another event")
        else:
            yield None
        message = await anext(messages, None)
    while message is not None:
        if found := await _unplaced(connection, message):
            yield found
        message = await anext(messages, None)


def _difference(row: asyncpg.Record, streamed: str) -> Difference:
    place = f"EVENTS at {row['epoch']}.{row['stream_seq']}"
    return Difference(row["key"], place, streamed, f"number {row['seq']}")


async def _unplaced(connection: asyncpg.Connection, message: Stored) -> Difference | None:
    """A message that no row is recorded for; after a lost record it may repeat one."""
    named = msgspec.json.decode(message.body, type=_Named)
    body: Any = await connection.fetchval(_BODY, named.job_id, named.seq)
    if body == message.body:
        return None
    return Difference(named.job_id, f"EVENTS at {message.sequence}", f"number {named.seq}", None)


async def _first(client: Client) -> int:
    info = await streams.ask(client, f"STREAM.INFO.{EVENTS}")
    if "error" in info:
        raise streams.StreamRefused(str(info["error"].get("description")))
    return max(int(info["state"]["first_seq"]), 1)


async def _messages(client: Client, start: int, last: int) -> AsyncIterator[Stored]:
    while found := await streams.read(client, EVENTS, start, limit=1_000, subjects=SUBJECTS):
        for message in found:
            if message.sequence > last:
                return
            yield message
        start = found[-1].sequence + 1


_PLACED = """
select key, seq, subject, body, epoch, stream_seq from events
where epoch = $1 and stream_seq >= $2 and type like 'job.%' order by stream_seq
"""
_BODY = "select body from events where key = $1 and seq = $2"
