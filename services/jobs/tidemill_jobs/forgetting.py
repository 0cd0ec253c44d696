"""Forgets jobs that ended long ago, with their events, and says how far the log is forgotten.

A few hundred go in a transaction. An ingest job stays as long as its dataset, and what is not
published stays until it is.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_jobs.removal import REMOVE
from tidemill_jobs.settings import JobsSettings
from tidemill_kit.db import Database
from tidemill_kit.errors import failure_of

log = structlog.get_logger()
AT_ONCE = 200
FORGOTTEN = text("select epoch, position from forgotten")


class Forgetter:
    """Each replica may forget at any time: rows are locked, what another has is passed over."""

    def __init__(self, database: Database, settings: JobsSettings) -> None:
        self._database = database
        self._every_s = settings.forget_s
        self._ages = {
            "ended": settings.job_retention_s,
            "failed": settings.failed_job_retention_s,
            "limit": AT_ONCE,
        }

    async def run(self) -> None:
        """Forget until cancelled; a round that fails is only late."""
        while True:
            if error := await failure_of(self.forget()):
                log.warning("jobs.not_forgotten", reason=str(error)[:200], exc_info=error)
            await asyncio.sleep(self._every_s)

    async def forget(self) -> int:
        """All that is over its time; answers how many jobs those were."""
        count = await self._each(_OVER, REMOVE) + await self._each(_DELETED, [])
        async with self._database.transaction() as connection:
            await connection.execute(_DROP_EMPTY_MONTHS)
        if count:
            log.info("jobs.forgotten", jobs=count)
        return count

    async def _each(self, query: TextClause, remove: Sequence[TextClause]) -> int:
        count, after = 0, UUID(int=0)
        while True:
            async with self._database.transaction() as connection:
                values = self._ages | {"after": after}
                ids: Sequence[UUID] = (await connection.scalars(query, values)).all()
                if not ids:
                    return count
                await _forget(connection, ids, remove)
            count, after = count + len(ids), ids[-1]


async def _forget(
    connection: AsyncConnection, ids: Sequence[UUID], remove: Sequence[TextClause]
) -> None:
    """The jobs go with the last place in the log that is theirs: what is before it has holes."""
    for statement in (_NOTE, *remove, _EVENTS):
        await connection.execute(statement, {"ids": ids})


_ENDED, _FAILED = (
    f"make_interval(secs => cast(:{name} as double precision))" for name in ("ended", "failed")
)
_PUBLISHED = "not exists (select from events where key = {key} and stream_seq is null)"
_OVER = text(f"""
select id from jobs where id > :after
and id < uuid_floor(now() - least({_ENDED}, {_FAILED}))
and finished_at < now() - case status when 'failed' then {_FAILED} else {_ENDED} end
and not (system and dataset_id is not null
    and exists (select from datasets where datasets.id = jobs.dataset_id))
and {_PUBLISHED.format(key="jobs.id")}
order by id limit :limit for update skip locked
""")
# of jobs that were deleted only events are left
_DELETED = text(f"""
select distinct old.key from events old where old.key > :after
and old.key < uuid_floor(now() - greatest({_ENDED}, {_FAILED}))
and old.type like 'job.%' and not exists (select from jobs where id = old.key)
and {_PUBLISHED.format(key="old.key")}
order by old.key limit :limit
""")
_NOTE = text("""
update forgotten set (epoch, position) = (last.epoch, last.stream_seq) from (
    select epoch, stream_seq from events where key = any(:ids)
    order by epoch desc, stream_seq desc limit 1
) last where (last.epoch, last.stream_seq) > (forgotten.epoch, forgotten.position)
""")
_EVENTS = text("delete from events where key = any(:ids)")
_DROP_EMPTY_MONTHS = text("select drop_empty_months()")
