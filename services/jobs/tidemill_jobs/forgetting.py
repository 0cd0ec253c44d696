"""Forgets jobs that ended long ago, with their events, and says how far the log is forgotten.

A few hundred are looked at in a transaction. An ingest job stays as long as its dataset, and what
is not published stays until it is.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import TextClause, text

from tidemill_jobs.removal import REMOVE
from tidemill_jobs.settings import JobsSettings
from tidemill_kit.db import Database
from tidemill_kit.errors import failure_of

log = structlog.get_logger()
AT_ONCE = 500
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
        count = await self._each(OLD, _OVER, REMOVE) + await self._each(TOLD, _DELETED, [])
        async with self._database.transaction() as connection:
            await connection.execute(_DROP_EMPTY_MONTHS)
        if count:
            log.info("jobs.forgotten", jobs=count)
        return count

    async def _each(self, old: TextClause, over: TextClause, remove: Sequence[TextClause]) -> int:
        """Go through what is old, a short step at a time: much of it may have to stay."""
        count, after = 0, UUID(int=0)
        while True:
            async with self._database.transaction() as connection:
                values = self._ages | {"after": after}
                seen = (await connection.scalars(old, values)).all()
                if not seen:
                    return count
                ids = (await connection.scalars(over, self._ages | {"ids": seen})).all()
                # what is before the last place of theirs has holes from now on
                for statement in (_NOTE, *remove, _EVENTS) if ids else ():
                    await connection.execute(statement, {"ids": ids})
            count, after = count + len(ids), seen[-1]


_ENDED, _FAILED = (
    f"make_interval(secs => cast(:{name} as double precision))" for name in ("ended", "failed")
)
_PUBLISHED = "not exists (select from events where key = {key} and stream_seq is null)"
OLD = text(f"""
select id from jobs where id > :after and id < uuid_floor(now() - least({_ENDED}, {_FAILED}))
order by id limit :limit
""")
_OVER = text(f"""
select id from jobs where id = any(:ids)
and finished_at < now() - case status when 'failed' then {_FAILED} else {_ENDED} end
and not (system and dataset_id is not null
    and exists (select from datasets where datasets.id = jobs.dataset_id))
and {_PUBLISHED.format(key="jobs.id")}
order by id for update skip locked
""")
# of jobs that were deleted only events are left
TOLD = text(f"""
select distinct key from events where key > :after
and key < uuid_floor(now() - greatest({_ENDED}, {_FAILED})) order by key limit :limit
""")
_DELETED = text(f"""
select told.id from unnest(cast(:ids as uuid[])) told (id)
where not exists (select from jobs where jobs.id = told.id)
and exists (select from events where key = told.id and type like 'job.%')
and {_PUBLISHED.format(key="told.id")}
""")
_NOTE = text("""
update forgotten set (epoch, position) = (last.epoch, last.stream_seq) from (
    select epoch, stream_seq from events where key = any(:ids)
    order by epoch desc, stream_seq desc limit 1
) last where (last.epoch, last.stream_seq) > (forgotten.epoch, forgotten.position)
""")
_EVENTS = text("delete from events where key = any(:ids)")
_DROP_EMPTY_MONTHS = text("select drop_empty_months()")
