"""Idempotency keys: the first answer to a request, found for its repetitions."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from tidemill_jobs.book import Accepted, IdempotencyKey, StoredAnswer


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


class _Identified(msgspec.Struct):
    id: UUID


def _job_id(body: bytes) -> UUID:
    return msgspec.json.decode(body, type=_Identified).id


_FIND = """
select kept.tenant_id, kept.route, kept.key, kept.fingerprint, kept.body
from unnest($1::uuid[], $2::text[], $3::text[]) asked (tenant_id, route, key)
join idempotency_keys kept using (tenant_id, route, key)
"""
