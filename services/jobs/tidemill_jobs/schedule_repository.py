"""Queries of schedules and of what their times came to."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping, delete, insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, IntegrityError

from tidemill_contracts.schedules import Schedule, ScheduleRun
from tidemill_jobs.refusals import Unstorable
from tidemill_jobs.tables import events, schedule_runs, schedules
from tidemill_kit.db import Repository
from tidemill_kit.errors import Conflict, NotFound

# the class of SQLSTATE that bad values have
DATA_EXCEPTION = "22"


class ScheduleNotFound(NotFound):
    """There is no such schedule."""


class ScheduleExists(Conflict):
    """There is a schedule of this name already."""


class Planned(Struct, frozen=True):
    """A schedule with when it comes next: the time itself, and the jittered moment."""

    schedule: Schedule
    nominal_time: datetime | None
    resumed_at: datetime


class ScheduleRepository(Repository):
    """A tenant's schedules with the last run of each."""

    events = events

    async def newest(self, *, before: UUID | None, limit: int) -> list[Schedule]:
        values = {"tenant": self.tenant_id, "before": before or UUID(int=2**128 - 1)}
        rows = await self.connection.execute(_NEWEST, values | {"limit": limit})
        return [_schedule(row) for row in rows.mappings()]

    async def get(self, schedule_id: UUID) -> Schedule:
        """The schedule; ScheduleNotFound where it is none of the tenant's."""
        values = {"tenant": self.tenant_id, "id": schedule_id}
        row = (await self.connection.execute(_ONE, values)).mappings().first()
        if row is None:
            raise ScheduleNotFound
        return _schedule(row)

    async def locked(self, schedule_id: UUID) -> Schedule:
        await self.connection.execute(_LOCK, {"id": schedule_id})
        return await self.get(schedule_id)

    async def add(self, planned: Planned) -> None:
        made = planned.schedule
        row = _row(made) | {
            "nominal_time": planned.nominal_time,
            "next_at": made.next_run_at,
            "resumed_at": planned.resumed_at,
        }
        await _stored(self.run(insert(schedules).values(row)))

    async def change(self, schedule: Schedule, **more: Any) -> None:
        mine = (schedules.c.id == schedule.id) & (schedules.c.tenant_id == schedule.tenant_id)
        await _stored(self.run(update(schedules).values(_row(schedule) | more).where(mine)))

    async def remove(self, schedule_id: UUID) -> None:
        await self.run(delete(schedules).where(schedules.c.id == schedule_id))

    async def note_run(self, schedule: Schedule, run: ScheduleRun) -> bool:
        """Keep what a time came to; False where that is known already."""
        row = {
            "schedule_id": schedule.id,
            "nominal_time": run.nominal_time,
            "tenant_id": schedule.tenant_id,
            "at": run.at,
            "outcome": run.outcome.value,
            "job_id": run.job_id,
            "reason": run.reason,
        }
        new = upsert(schedule_runs).values(row).on_conflict_do_nothing()
        return await self.run(new) == 1

    async def runs(
        self,
        schedule_id: UUID,
        *,
        before: datetime | None = None,
        limit: int,
    ) -> list[ScheduleRun]:
        """What the last times came to, newest first."""
        values = {"id": schedule_id, "before": before, "limit": limit}
        rows = await self.connection.execute(_RUNS, values)
        return [msgspec.convert(dict(row), ScheduleRun) for row in rows.mappings()]


async def _stored(work: Awaitable[int]) -> None:
    try:
        await work
    except IntegrityError as error:
        raise ScheduleExists from error
    except DBAPIError as error:
        if str(getattr(error.orig, "sqlstate", "")).startswith(DATA_EXCEPTION):
            raise Unstorable from error
        raise


def _row(schedule: Schedule) -> dict[str, Any]:
    fields = {name: getattr(schedule, name) for name in schedule.__struct_fields__}
    del fields["last_run"], fields["next_run_at"]
    return fields | {
        "job": msgspec.to_builtins(schedule.job),
        "overlap": schedule.overlap.value,
    }


def _schedule(row: RowMapping) -> Schedule:
    found = dict(row)
    run = {name[4:]: found.pop(name) for name in list(found) if name.startswith("run_")}
    last = msgspec.convert(run, ScheduleRun) if run["outcome"] else None
    paused_or_over = found["paused"] or found["next_at"] is None
    found["next_run_at"] = None if paused_or_over else found["next_at"]
    return msgspec.convert(found | {"last_run": last}, Schedule, from_attributes=True)


_SHOWN = """
select schedules.*, run.nominal_time as run_nominal_time, run.at as run_at,
    run.outcome as run_outcome, run.job_id as run_job_id, run.reason as run_reason,
    jobs.status as run_job_status
from schedules left join lateral (
    select * from schedule_runs where schedule_id = schedules.id
    order by nominal_time desc limit 1
) run on true left join jobs on jobs.id = run.job_id
where schedules.tenant_id = :tenant"""
_NEWEST = text(f"{_SHOWN} and schedules.id < :before order by schedules.id desc limit :limit")
_ONE = text(f"{_SHOWN} and schedules.id = :id")
_LOCK = text("select from schedules where id = :id for update")
_RUNS = text("""
select run.nominal_time, run.at, run.outcome, run.job_id, run.reason, jobs.status as job_status
from schedule_runs run left join jobs on jobs.id = run.job_id
where schedule_id = :id
and (cast(:before as timestamptz) is null or run.nominal_time < :before)
order by run.nominal_time desc limit :limit
""")
