"""Idempotency keys: a POST that makes something makes it once, however often it is sent.

The answer is kept in the transaction of what it tells of, under the tenant, the path and the
client's key, for 24 h. Only answers are kept, never refusals: what was refused made nothing.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar.response import Response
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_kit.db import Database
from tidemill_kit.errors import Conflict, Invalid, failure_of

log = structlog.get_logger()
MAX_KEY_CHARS = 255
JSON = "application/json"
REPLAYED = "Idempotent-Replayed"
LOCK_NOT_AVAILABLE = "55P03"
FORGET_EVERY_S, AFTER_A_FAILURE_S = 3_600.0, 60.0
FORGOTTEN_AT_ONCE = 5_000


class IdempotencyKeyInvalid(Invalid):
    """An Idempotency-Key has 1 to 255 characters."""


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used with another request."""


class IdempotencyKeyBusy(Conflict):
    """A request with this Idempotency-Key is still being answered."""

    retry_after_s = 1


def check(key: str) -> None:
    """Refuse a key that cannot be one."""
    if not 1 <= len(key) <= MAX_KEY_CHARS or "\0" in key:
        raise IdempotencyKeyInvalid


def fingerprint_of(order: Any) -> bytes:
    """What tells the same order, sent again, from another one."""
    return hashlib.sha256(msgspec.json.encode(order, order="deterministic")).digest()


class Once:
    """Answers one request once; its transaction must be committed before the answer goes out."""

    def __init__(
        self,
        connection: AsyncConnection,
        tenant_id: UUID,
        route: str,
        key: str | None,
    ) -> None:
        if key is not None:
            check(key)
        self._connection = connection
        self._place = {"tenant": tenant_id, "route": route, "key": key}
        self._key = key

    async def answer[T](
        self,
        order: Any,
        work: Callable[[], Awaitable[T]],
        *,
        status_code: int = 201,
        location: Callable[[T], str] | None = None,
        keep: Callable[[T], Any] | None = None,
    ) -> Response[Any]:
        """What the work makes, or what it made when this order came with this key before.

        `keep` takes out of the answer what must not be stored, such as a secret that is shown
        once: a repetition gets the rest. Raises IdempotencyKeyReused for another order, and
        IdempotencyKeyBusy where a twin takes longer than a second.
        """
        fingerprint = fingerprint_of(order)
        if self._key is not None:
            await self._take_turn()
            kept = (await self._connection.execute(_FIND, self._place)).first()
            if kept is not None:
                if bytes(kept.fingerprint) != fingerprint:
                    raise IdempotencyKeyReused
                return _response(bytes(kept.body), kept.status, kept.location, replayed=True)
        made = await work()
        body = msgspec.json.encode(made)
        place = None if location is None else location(made)
        if self._key is not None:
            stored = body if keep is None else msgspec.json.encode(keep(made))
            row = {"fingerprint": fingerprint, "status": status_code, "body": stored}
            await self._connection.execute(_KEEP, self._place | row | {"location": place})
        return _response(body, status_code, place, replayed=False)

    async def _take_turn(self) -> None:
        """Wait for a twin to end; what it kept can be seen then."""
        try:
            await self._connection.execute(text("set local lock_timeout = '1s'"))
            await self._connection.execute(_LOCK, self._place)
            await self._connection.execute(text("set local lock_timeout = 0"))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
                raise IdempotencyKeyBusy from error
            raise


async def keep_forgetting(database: Database) -> None:
    """Forget what is over, now and every hour, until cancelled; a failure is only late."""
    while True:
        error = await failure_of(forget(database))
        if error is not None:
            log.warning("idempotency.delayed", reason=str(error)[:200], exc_info=error)
        await asyncio.sleep(AFTER_A_FAILURE_S if error else FORGET_EVERY_S)


async def forget(database: Database) -> None:
    """Drop all keys whose day is over, in short transactions."""
    dropped = FORGOTTEN_AT_ONCE
    while dropped == FORGOTTEN_AT_ONCE:
        async with database.transaction() as connection:
            dropped = (await connection.execute(FORGET)).rowcount


def _response(body: bytes, status: int, location: str | None, *, replayed: bool) -> Response[Any]:
    headers = {"Location": location} if location else {}
    if replayed:
        headers[REPLAYED] = "true"
    return Response(body, status_code=status, media_type=JSON, headers=headers)


_MINE = "where tenant_id = :tenant and route = :route and key = :key"
_LOCK = text(
    "select pg_advisory_xact_lock(hashtextextended("
    "cast(cast(:tenant as uuid) as text) || ' ' || :route || ' ' || :key, 0))",
)
_FIND = text(
    f"select fingerprint, status, body, location from idempotency_keys {_MINE}"
    " and created_at > now() - interval '24 hours'",
)
_KEEP = text("""
insert into idempotency_keys (tenant_id, route, key, fingerprint, status, body, location)
values (:tenant, :route, :key, :fingerprint, :status, :body, :location)
on conflict (tenant_id, route, key) do update set fingerprint = excluded.fingerprint,
    status = excluded.status, body = excluded.body, location = excluded.location, created_at = now()
""")
FORGET = text(f"""
delete from idempotency_keys where ctid = any(array(
    select ctid from idempotency_keys where created_at < now() - interval '24 hours'
    order by created_at limit {FORGOTTEN_AT_ONCE}))
""")
"""Drops keys whose day is over, a few thousand at a time."""
