"""Failures by kind, and dead letters: looked at, tried again, thrown away."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from msgspec import UNSET
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts import catalogue
from tidemill_contracts.failures import DeadLetter, Failure, Redriven
from tidemill_contracts.identity import Principal
from tidemill_contracts.jobs import JobError, RetryJob
from tidemill_jobs import fingerprints, retrying
from tidemill_jobs.records import StepRecord
from tidemill_jobs.repository import JobRepository
from tidemill_kit.db import Database
from tidemill_kit.errors import Invalid, NotFound, Unavailable
from tidemill_kit.reactions import Consumers

MOST_KINDS = 1_000
MAX_BODY_CHARS = 64 * 1024


class DeadLetterNotFound(NotFound):
    """There is no such dead letter."""


class StillUnreadable(Invalid):
    """Nothing here can apply this event."""


class NotFollowing(Unavailable):
    """Events can be handed again once NATS is there."""


async def failures(
    jobs: JobRepository,
    *,
    since: datetime,
    until: datetime,
    limit: int,
) -> list[Failure]:
    """Kinds of failures in a span of time, the latest first; each is counted along an index."""
    values = {"tenant": jobs.tenant_id, "since": since, "until": until, "limit": limit}
    rows = await jobs.connection.execute(FAILURES, values | {"kinds": MOST_KINDS})
    return [_failure(row) for row in rows.mappings()]


async def listed(
    database: Database,
    principal: Principal,
    *,
    kind: str | None,
    before: UUID | None,
    limit: int,
) -> list[DeadLetter]:
    """The letters that wait, newest first; the administrator also sees those of no tenant."""
    values = _whose(principal) | {"kind": kind, "before": before or UUID(int=2**128 - 1)}
    async with database.transaction() as connection:
        rows = await connection.execute(LETTERS, values | {"limit": limit})
        return [DeadLetter(**row) for row in rows.mappings()]


async def found(connection: AsyncConnection, principal: Principal, letter_id: UUID) -> DeadLetter:
    """A letter with its body, locked."""
    values = _whose(principal) | {"id": letter_id}
    row = (await connection.execute(_LETTER, values)).mappings().first()
    if row is None:
        raise DeadLetterNotFound
    return DeadLetter(**{**row, "body": _readable(row["body"])})


async def shown(database: Database, principal: Principal, letter_id: UUID) -> DeadLetter:
    async with database.transaction() as connection:
        return await found(connection, principal, letter_id)


async def discard(database: Database, principal: Principal, letter_id: UUID) -> None:
    async with database.transaction() as connection:
        await found(connection, principal, letter_id)
        await connection.execute(_DISCARD, {"id": letter_id})


async def redrive(app: Litestar, principal: Principal, letter_id: UUID) -> Redriven:
    """Try again what a letter is about; of a job this makes one new job, however often asked."""
    database: Database = app.state.database
    async with database.transaction() as connection:
        letter = await found(connection, principal, letter_id)
        if letter.job_id is None:
            await _hand_again(app.state.get("reactions"), connection, letter_id)
            await connection.execute(_DISCARD, {"id": letter_id})
            return Redriven(id=letter_id, kind=letter.kind)
    if letter.redriven_as is None:
        key = f"dead-letter {letter_id}"
        async with database.on_behalf_of(principal.tenant_id) as connection:
            jobs = JobRepository(connection, principal.tenant_id)
            made = await retrying.retry_job(
                app, principal, jobs, letter.job_id, RetryJob(), key=key
            )
        async with database.transaction() as connection:
            await connection.execute(_REDRIVEN, {"id": letter_id, "job": made.job_id})
        return Redriven(id=letter_id, kind=letter.kind, job_id=made.job_id)
    return Redriven(id=letter_id, kind=letter.kind, job_id=letter.redriven_as)


async def _hand_again(
    reactions: Consumers | None,
    connection: AsyncConnection,
    letter_id: UUID,
) -> None:
    if reactions is None:
        raise NotFollowing
    body = await connection.scalar(_BODY, {"id": letter_id})
    try:
        event = catalogue.decode(bytes(body))
    except msgspec.MsgspecError as error:
        raise StillUnreadable(str(error)) from error
    reaction = reactions.reactions.get(event.type) if event else None
    if event is None or reaction is None:
        raise StillUnreadable
    noted = await connection.execute(_NOTE, {"id": event.id})
    if noted.rowcount == 1:
        await reaction(event, connection)


def _whose(principal: Principal) -> dict[str, Any]:
    return {"tenant": principal.tenant_id, "admin": principal.system_admin}


def _readable(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return msgspec.json.decode(bytes(body))
    except msgspec.MsgspecError:
        return bytes(body).decode(errors="replace")[:MAX_BODY_CHARS]


def _failure(row: Any) -> Failure:
    error = msgspec.convert(row["error"], JobError)
    steps = msgspec.convert(row["steps"], list[StepRecord])
    step = next((each for each in steps if each.name == error.step), None)
    return Failure(
        fingerprint=row["failure"],
        processor=step.processor if step else None,
        code=error.code,
        type=None if error.type is UNSET else error.type,
        message=fingerprints.message(error.message),
        count=row["number"],
        first_seen_at=row["first"],
        last_seen_at=row["last"],
        example_job_id=row["id"],
    )


_OURS = "(tenant_id = :tenant or (:admin and tenant_id is null))"
_SHOWN = "id, tenant_id, kind, reason, created_at, job_id, subject, redriven_as"
_MINE = "tenant_id = :tenant and not system"
_IN_TIME = "finished_at >= :since and finished_at < :until"
FAILURES = text(f"""
with recursive kinds (failure, number) as (
    (select failure, 1 from jobs where {_MINE} and failure is not null order by failure limit 1)
    union all select (
        select jobs.failure from jobs where {_MINE} and jobs.failure > kinds.failure
        order by jobs.failure limit 1
    ), kinds.number + 1 from kinds where kinds.failure is not null and kinds.number < :kinds
)
select kinds.failure, seen.number, seen.first, seen.last, example.id, example.steps, example.error
from kinds cross join lateral (
    select count(*) as number, min(finished_at) as first, max(finished_at) as last
    from jobs where {_MINE} and jobs.failure = kinds.failure and {_IN_TIME}
) seen cross join lateral (
    select id, steps, error from jobs where {_MINE} and jobs.failure = kinds.failure
    and {_IN_TIME} order by finished_at desc limit 1
) example
where kinds.failure is not null order by seen.last desc limit :limit
""")
LETTERS = text(f"""
select {_SHOWN} from dead_letters where {_OURS} and id < :before and redriven_as is null
and (cast(:kind as text) is null or kind = :kind) order by id desc limit :limit
""")
_LETTER = text(f"select {_SHOWN}, body from dead_letters where {_OURS} and id = :id for update")
_BODY = text("select body from dead_letters where id = :id")
_DISCARD = text("delete from dead_letters where id = :id")
_REDRIVEN = text("update dead_letters set redriven_as = :job where id = :id")
_NOTE = text("insert into inbox (event_id) values (:id) on conflict do nothing")
