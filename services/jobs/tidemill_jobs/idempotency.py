"""Idempotency keys: the first answer to a request, kept for its repetitions."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from tidemill_jobs.commands import Accepted, IdempotencyKey, StoredAnswer

ACCEPTED = 202


async def find(
    connection: asyncpg.Connection,
    keys: Sequence[IdempotencyKey],
) -> dict[tuple[UUID, str, str], StoredAnswer]:
    """The stored answers to these keys."""
    rows = await connection.fetch(
        _FIND,
        [key.tenant_id for key in keys],
        [key.route for key in keys],
        [key.key for key in keys],
    )
    return {
        (row["tenant_id"], row["route"], row["key"]): StoredAnswer(
            row["fingerprint"],
            Accepted(_job_id(row["body"]), row["body"]),
        )
        for row in rows
    }


async def keep(
    connection: asyncpg.Connection,
    answered: Sequence[tuple[IdempotencyKey, Accepted]],
) -> None:
    """Store answers in the transaction of what they answer; a twin's row is a unique violation."""
    await connection.execute(
        _KEEP,
        [key.tenant_id for key, _ in answered],
        [key.route for key, _ in answered],
        [key.key for key, _ in answered],
        [key.fingerprint for key, _ in answered],
        [accepted.body for _, accepted in answered],
        ACCEPTED,
    )


class _Identified(msgspec.Struct):
    id: UUID


def _job_id(body: bytes) -> UUID:
    return msgspec.json.decode(body, type=_Identified).id


_FIND = """
select kept.tenant_id, kept.route, kept.key, kept.fingerprint, kept.body
from unnest($1::uuid[], $2::text[], $3::text[]) asked (tenant_id, route, key)
join idempotency_keys kept using (tenant_id, route, key)
"""
_KEEP = """
insert into idempotency_keys (tenant_id, route, key, fingerprint, body, status)
select *, $6::smallint
from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
"""
