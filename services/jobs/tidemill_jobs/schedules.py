"""Schedules: kept, changed, paused, listed; when one comes is decided elsewhere."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Litestar
from msgspec import UNSET
from msgspec.structs import asdict, replace
from sqlalchemy import text

from tidemill_contracts import schedules as contract
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.problems import FieldError
from tidemill_contracts.schedules import (
    ChangeSchedule,
    MakeSchedule,
    Schedule,
)
from tidemill_jobs import times, usecases
from tidemill_jobs.schedule_repository import Planned, ScheduleRepository
from tidemill_jobs.times import Times
from tidemill_kit.db import Database
from tidemill_kit.errors import Invalid

# a job carries two labels more than its order
MAX_LABELS = 30


class JobNotForSchedules(Invalid):
    """A schedule cannot submit this job."""


async def make_schedule(
    app: Litestar,
    kept: ScheduleRepository,
    caller: Principal,
    order: MakeSchedule,
) -> Schedule:
    """Keep a schedule whose job could be submitted now."""
    moment = now()
    made = Schedule(
        **asdict(order),
        id=uuid7(),
        tenant_id=caller.tenant_id,
        created_by=caller.user_id,
        created_at=moment,
        updated_at=moment,
        seq=1,
    )
    await check(app, made)
    planned = plan(made, moment)
    await kept.add(planned)
    await kept.record(_event(contract.ScheduleCreated, planned.schedule, caller.user_id))
    wake(app, planned.schedule)
    return planned.schedule


async def change_schedule(
    app: Litestar,
    kept: ScheduleRepository,
    caller: Principal,
    schedule_id: UUID,
    order: ChangeSchedule,
) -> Schedule:
    """Other times or another job; what it counts from is now."""
    before, moment = await kept.locked(schedule_id), now()
    changes = {name: value for name, value in asdict(order).items() if value is not UNSET}
    changed = replace(before, **changes, updated_at=moment, seq=before.seq + 1)
    await check(app, changed)
    planned = plan(changed, moment)
    await _keep(kept, planned)
    await kept.record(_event(contract.ScheduleChanged, planned.schedule, caller.user_id))
    wake(app, planned.schedule)
    return planned.schedule


async def pause_schedule(
    kept: ScheduleRepository,
    by: UUID | None,
    schedule_id: UUID,
    note: str | None,
) -> Schedule:
    """Submit nothing until it is resumed; pausing again only changes the note."""
    before = await kept.locked(schedule_id)
    paused = replace(
        before, paused=True, note=note, next_run_at=None, updated_at=now(), seq=before.seq + 1
    )
    await kept.change(paused)
    await kept.record(_event(contract.SchedulePaused, paused, by, note=note))
    return paused


async def resume_schedule(
    app: Litestar,
    kept: ScheduleRepository,
    caller: Principal,
    schedule_id: UUID,
) -> Schedule:
    """Go on with the next time from now on; what was missed meanwhile is left out."""
    before, moment = await kept.locked(schedule_id), now()
    if not before.paused:
        return before
    resumed = replace(before, paused=False, note=None, updated_at=moment, seq=before.seq + 1)
    planned = plan(resumed, moment)
    await _keep(kept, planned)
    await kept.record(_event(contract.ScheduleResumed, planned.schedule, caller.user_id))
    wake(app, planned.schedule)
    return planned.schedule


async def remove_schedule(kept: ScheduleRepository, caller: Principal, schedule_id: UUID) -> None:
    """Forget a schedule; its jobs stay."""
    before = await kept.locked(schedule_id)
    gone = replace(before, seq=before.seq + 1, updated_at=now())
    await kept.record(_event(contract.ScheduleDeleted, gone, caller.user_id))
    await kept.remove(schedule_id)


async def check(app: Litestar, schedule: Schedule) -> None:
    """Raise where the times cannot be, or the job would be refused now."""
    times.check(schedule.cron, schedule.time_zone, schedule.every)
    job = schedule.job
    if job.run_at is not None:
        raise JobNotForSchedules(errors=[FieldError("job.run_at", "the schedule says when")])
    if len(job.labels) > MAX_LABELS:
        raise JobNotForSchedules(errors=[FieldError("job.labels", f"at most {MAX_LABELS}")])
    await usecases.planned(app, job)
    if job.dataset_id is not None:
        database: Database = app.state.database
        values = {"id": job.dataset_id, "tenant": schedule.tenant_id}
        async with database.transaction() as connection:
            known = await connection.scalar(_DATASET_KNOWN, values)
        if not known:
            await usecases.learn_dataset(app, schedule.tenant_id, job.dataset_id)


def times_of(schedule: Schedule) -> Times:
    return Times(schedule.cron, schedule.time_zone, schedule.every, schedule.updated_at)


def plan(schedule: Schedule, after: datetime) -> Planned:
    """The schedule with its next time behind this moment; a paused one has none."""
    nominal = times_of(schedule).after(after)
    at = None if nominal is None else times.jittered(schedule.id, nominal, schedule.jitter_s)
    shown = replace(schedule, next_run_at=None if schedule.paused else at)
    return Planned(shown, nominal, after)


def wake(app: Litestar, schedule: Schedule) -> None:
    """This process' timer looks at it in time; others find it with their next sweep."""
    if schedule.next_run_at is not None:
        app.state.ledger.wake_at(schedule.next_run_at)


async def _keep(kept: ScheduleRepository, planned: Planned) -> None:
    await kept.change(
        planned.schedule,
        nominal_time=planned.nominal_time,
        next_at=planned.schedule.next_run_at,
        resumed_at=planned.resumed_at,
    )


def _event(
    kind: type[contract.ScheduleEvent],
    schedule: Schedule,
    by: UUID | None,
    **more: Any,
) -> contract.ScheduleEvent:
    return kind(
        tenant_id=schedule.tenant_id,
        schedule_id=schedule.id,
        seq=schedule.seq,
        at=schedule.updated_at,
        name=schedule.name,
        by=by,
        **more,
    )


_DATASET_KNOWN = text("""
select true from datasets where id = :id and tenant_id = :tenant and status <> 'deleted'
""")
