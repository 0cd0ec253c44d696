"""Concurrency keys: of the jobs that share one, a single job is let through at a time.

A key that is held has a row, which is locked after the jobs and in the order of the keys. Whoever
finds a key free hands it to the first job that waits, in the same transaction; a waiting job that
another transaction has locked is left to that transaction, which looks at the key after us.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from tidemill_contracts.jobs import BlockedReason, JobStatus
from tidemill_jobs import lifecycle, rows
from tidemill_jobs.book import Book
from tidemill_jobs.commands import Command
from tidemill_jobs.recent import RecentJobs
from tidemill_jobs.records import JobRecord, Key

# jobs that another obstacle stops are passed over; should it be very many, the sweeper goes on
AT_ONCE = 50
NOT_BEGUN = (JobStatus.SCHEDULED, JobStatus.BLOCKED)


async def lock(
    connection: asyncpg.Connection,
    book: Book,
    group: Sequence[Command],
) -> None:
    """Learn who holds the keys of the group's jobs; for a free one, who is first in its line."""
    keys = {job.key for job in book.jobs.values() if job.key is not None}
    keys.update(key for command in group for key in command.concurrency_keys)
    if keys:
        await _lock(connection, book, keys)


async def hand_over(connection: asyncpg.Connection, book: Book, recent: RecentJobs) -> None:
    """Give each key whose holder has ended to the first job that waits for it."""
    keys = {job.key for job in book.changed() if job.key is not None}
    if not keys:
        return
    if unknown := keys - book.facts.holders.keys():
        await _lock(connection, book, unknown)
    for key in sorted(keys):
        await _settle(connection, book, recent, key)
    await _write(connection, book, sorted(keys))


async def _settle(
    connection: asyncpg.Connection,
    book: Book,
    recent: RecentJobs,
    key: Key,
) -> None:
    for _ in range(AT_ONCE):
        if _is_held(book, key):
            return
        job = await _next(connection, book, recent, key)
        if job is None:
            break
        book.facts.holders[key] = job.id
        if job.dataset_id is not None and job.dataset_id not in book.facts.datasets:
            found = await rows.share_datasets(connection, [job.dataset_id])
            book.facts.datasets.update(found)
        lifecycle.revisit(job, book.facts)
    if not _is_held(book, key):
        book.facts.holders[key] = None


async def _lock(connection: asyncpg.Connection, book: Book, keys: Iterable[Key]) -> None:
    wanted = sorted(keys)
    found = await connection.fetch(_LOCK, *_columns(wanted))
    stored = {(row["tenant_id"], row["key"]): row["job_id"] for row in found}
    # a statement of its own: its snapshot is taken when the locks are held
    others = [job_id for job_id in stored.values() if job_id not in book.jobs]
    living = (
        {row["id"] for row in await connection.fetch(_LIVING, others)} if others else set[UUID]()
    )
    living |= {job.id for job in book.jobs.values() if not job.status.is_final}
    free = [key for key in wanted if stored.get(key) not in living]
    waiting = await connection.fetch(_FIRST, *_columns(free)) if free else []
    book.key_rows |= stored
    book.facts.holders.update({key: stored.get(key) for key in wanted})
    book.facts.holders.update(dict.fromkeys(free))
    book.facts.holders.update({(row["tenant_id"], row["key"]): row["id"] for row in waiting})


def _is_held(book: Book, key: Key) -> bool:
    holder = book.facts.holders[key]
    if holder is None:
        return False
    job = book.jobs.get(holder)
    if job is None:
        return book.key_rows.get(key) == holder
    return not job.status.is_final and job.status not in NOT_BEGUN


async def _next(
    connection: asyncpg.Connection,
    book: Book,
    recent: RecentJobs,
    key: Key,
) -> JobRecord | None:
    """The first job that waits for this key, locked; None where there is none, or it is busy."""
    here = [job.id for job in book.jobs.values() if job.key == key]
    waiting = [job_id for job_id in here if _waits(book.jobs[job_id])]
    there: UUID | None = await connection.fetchval(_FIRST_BUT, *key, here)
    if there is None or (waiting and min(waiting) < there):
        return book.jobs[min(waiting)] if waiting else None
    if await connection.fetchval(_TRY, there) is None:
        return None
    book.jobs |= await rows.lock_jobs(connection, [there], recent)
    return book.touch(there)


def _waits(job: JobRecord) -> bool:
    blocked = job.status is JobStatus.BLOCKED
    return blocked and job.blocked_reason is BlockedReason.CONCURRENCY_KEY


async def _write(connection: asyncpg.Connection, book: Book, keys: list[Key]) -> None:
    now = {key: book.facts.holders[key] for key in keys}
    taken = [key for key in keys if now[key] and key not in book.key_rows]
    passed = [key for key in keys if now[key] and now[key] != book.key_rows.get(key, now[key])]
    freed = [key for key in keys if now[key] is None and key in book.key_rows]
    for statement, those in ((_TAKE, taken), (_PASS, passed)):
        if those:
            await connection.execute(statement, *_columns(those), [now[key] for key in those])
    if freed:
        await connection.execute(_FREE, *_columns(freed))


def _columns(keys: Iterable[Key]) -> tuple[list[UUID], list[str]]:
    listed = list(keys)
    return [tenant_id for tenant_id, _ in listed], [key for _, key in listed]


_GIVEN = "unnest($1::uuid[], $2::text[]) given (tenant_id, key)"
_HOLDS = "unnest($1::uuid[], $2::text[], $3::uuid[]) given (tenant_id, key, job_id)"
_WAITING = "status = 'blocked' and blocked_reason = 'concurrency_key'"
_LOCK = f"""
select held.tenant_id, held.key, held.job_id from {_GIVEN} join concurrency held
using (tenant_id, key) order by held.tenant_id, held.key for no key update of held
"""
_LIVING = "select id from jobs where id = any($1) and finished_at is null"
_FIRST = f"""
select given.tenant_id, given.key, first.id from {_GIVEN} cross join lateral (
    select id from jobs where jobs.tenant_id = given.tenant_id
    and jobs.concurrency_key = given.key and {_WAITING} order by id limit 1
) first
"""
_FIRST_BUT = f"""
select id from jobs where tenant_id = $1 and concurrency_key = $2 and {_WAITING}
and id <> all($3) order by id limit 1
"""
_TRY = f"select id from jobs where id = $1 and {_WAITING} for no key update skip locked"
_TAKE = f"insert into concurrency (tenant_id, key, job_id) select * from {_HOLDS}"
_PASS = f"""
update concurrency held set job_id = given.job_id from {_HOLDS}
where (held.tenant_id, held.key) = (given.tenant_id, given.key)
"""
_FREE = f"""
delete from concurrency held using {_GIVEN}
where (held.tenant_id, held.key) = (given.tenant_id, given.key)
"""
