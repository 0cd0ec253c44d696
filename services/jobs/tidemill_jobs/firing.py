"""What schedules do when their time has come: each time makes at most one job.

The schedule's row is locked while its job is submitted. The job's id follows from the schedule
and the time, so a replica that dies in between leaves nothing that could be made twice.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.jobs import CancelJob, JobStatus, SubmitJob
from tidemill_contracts.schedules import Overlap, RunOutcome, Schedule, ScheduleRun
from tidemill_jobs import schedules, times, usecases
from tidemill_jobs.book import Accepted
from tidemill_jobs.commands import Submit
from tidemill_jobs.lifecycle import JobFinished
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.schedule_repository import ScheduleRepository
from tidemill_jobs.usecases import Origin
from tidemill_kit.db import Database
from tidemill_kit.errors import NEVER_SUCCEEDS, failure_of
from tidemill_kit.lifespan import head

log = structlog.get_logger()
AT_ONCE = 1_000
AGAIN_S = 5
# of how many times before it is asked whether their jobs go on
LOOKED_AT = 20
KEPT = timedelta(days=30)
FAILED = (JobStatus.FAILED, JobStatus.EXPIRED)


async def fire_due(app: Litestar) -> None:
    """Act on every schedule whose time has come; one that cannot be is tried again soon."""
    database: Database = app.state.database
    async with database.transaction() as connection:
        due = list(await connection.scalars(_DUE, {"most": AT_ONCE}))
    for schedule_id in due:
        error = await failure_of(fire(app, schedule_id))
        if error is not None:
            log.warning("schedule.delayed", schedule_id=str(schedule_id), reason=str(error)[:200])
            async with database.transaction() as connection:
                await connection.execute(_LATER, {"id": schedule_id, "again": AGAIN_S})


async def fire(app: Litestar, schedule_id: UUID) -> None:
    """Act on a schedule that is due, unless another replica does so."""
    database: Database = app.state.database
    async with database.transaction() as connection:
        row = (await connection.execute(_TAKE, {"id": schedule_id})).first()
        if row is None:
            return
        kept = ScheduleRepository(connection, row.tenant_id)
        schedule = await kept.get(schedule_id)
        nominal = _due_time(schedule, row.nominal_time, row.now)
        failures = schedule.pause_on_failure
        if failures and await _only_failures(kept, schedule, failures, row.resumed_at):
            note = f"paused after {failures} failures in a row"
            await schedules.pause_schedule(kept, None, schedule_id, note)
            return
        run = await _run(app, kept, schedule, nominal, row.now)
        await kept.note_run(schedule, run)
        following = schedules.plan(schedule, nominal)
        values = {"nominal": following.nominal_time, "next": following.schedule.next_run_at}
        await connection.execute(_GO_ON, values | {"id": schedule_id})
        await connection.execute(_FORGET, {"id": schedule_id, "before": row.now - KEPT})


async def run_now(
    app: Litestar,
    kept: ScheduleRepository,
    caller: Principal,
    schedule_id: UUID,
    key: str | None,
) -> Accepted:
    """Submit the schedule's job at once; its times stay as they are."""
    schedule, moment = await kept.get(schedule_id), now()
    order = _labelled(schedule)
    made = await usecases.planned(app, order)
    asked = usecases.asked_for(
        order,
        made,
        Origin(tenant_id=caller.tenant_id, created_by=caller.user_id),
        key=usecases.key_of(caller.tenant_id, f"schedules/{schedule_id}/run", key, order),
        cursor=str(head(app)),
        size=0,
        job_id=uuid7(),
    )
    answer = await usecases.accept(app, caller.tenant_id, Submit, asked)
    if not answer.replayed:
        outcome = RunOutcome.SUBMITTED
        run = ScheduleRun(nominal_time=moment, at=moment, outcome=outcome, job_id=answer.job_id)
        await kept.note_run(schedule, run)
    return answer


def _due_time(schedule: Schedule, first: datetime, moment: datetime) -> datetime:
    """Of the times that have come the last one, once its jitter is over, too."""
    last = schedules.times_of(schedule).latest(first, moment)
    acted_on = times.jittered(schedule.id, last, schedule.jitter_s)
    return last if acted_on <= moment else first


async def _run(
    app: Litestar,
    kept: ScheduleRepository,
    schedule: Schedule,
    nominal: datetime,
    moment: datetime,
) -> ScheduleRun:
    """What this time comes to."""
    run = ScheduleRun(nominal_time=nominal, at=moment, outcome=RunOutcome.SUBMITTED)
    late = moment - times.jittered(schedule.id, nominal, schedule.jitter_s)
    if late > timedelta(seconds=schedule.catch_up_s):
        reason = f"{round(late.total_seconds())} s late"
        return replace(run, outcome=RunOutcome.MISSED, reason=reason)
    open_ones = [] if schedule.overlap is Overlap.ALLOW else await _open(kept, schedule)
    if open_ones and schedule.overlap is Overlap.SKIP:
        reason = f"job {open_ones[0]} goes on"
        return replace(run, outcome=RunOutcome.SKIPPED, reason=reason)
    for job_id in open_ones:
        await _cancel(app, schedule, job_id)
    try:
        answer = await _submit(app, schedule, nominal)
    except NEVER_SUCCEEDS as error:
        return replace(run, outcome=RunOutcome.REFUSED, reason=f"{error.code()}: {error}"[:500])
    return replace(run, job_id=answer.job_id)


async def _submit(app: Litestar, schedule: Schedule, nominal: datetime) -> Accepted:
    order = _labelled(schedule)
    made = await usecases.planned(app, order)
    asked = usecases.asked_for(
        order,
        made,
        Origin(tenant_id=schedule.tenant_id, created_by=schedule.created_by),
        key=None,
        cursor=str(head(app)),
        size=0,
        job_id=times.job_id_of(schedule.id, nominal),
    )
    return await usecases.accept(app, schedule.tenant_id, Submit, asked)


def _labelled(schedule: Schedule) -> SubmitJob:
    """The schedule's order, with labels that lead back to it."""
    labels = {**schedule.job.labels, "schedule": schedule.name, "schedule_id": str(schedule.id)}
    return replace(schedule.job, labels=labels)


async def _cancel(app: Litestar, schedule: Schedule, job_id: UUID) -> None:
    order = CancelJob(reason="the schedule's next time has come")
    with suppress(JobFinished, JobNotFound):
        await usecases.cancel_job(app, schedule.tenant_id, job_id, order)


async def _open(kept: ScheduleRepository, schedule: Schedule) -> list[UUID]:
    """The jobs of the last times that have not ended."""
    runs = await kept.runs(schedule.id, limit=LOOKED_AT)
    return [run.job_id for run in runs if run.job_id and _goes_on(run.job_status)]


def _goes_on(status: JobStatus | None) -> bool:
    return status is not None and not status.is_final


async def _only_failures(
    kept: ScheduleRepository,
    schedule: Schedule,
    number: int,
    since: datetime,
) -> bool:
    """Whether the last so many jobs since the schedule was resumed have all failed."""
    found = await _jobs_of(kept.connection, schedule.id, number, since)
    return len(found) == number and all(found)


async def _jobs_of(
    connection: AsyncConnection,
    schedule_id: UUID,
    number: int,
    since: datetime,
) -> list[bool]:
    values = {"id": schedule_id, "since": since, "limit": number}
    rows = await connection.execute(_ENDINGS, values | {"failed": [each.value for each in FAILED]})
    return [bool(row.failed) for row in rows]


_DUE = text("""
select id from schedules where not paused and next_at <= now() order by next_at limit :most
""")
_TAKE = text("""
select tenant_id, nominal_time, resumed_at,
    date_trunc('milliseconds', clock_timestamp()) as now
from schedules where id = :id and not paused and next_at <= now() for update skip locked
""")
_GO_ON = text("update schedules set nominal_time = :nominal, next_at = :next where id = :id")
_LATER = text("""
update schedules set next_at = now() + make_interval(secs => :again)
where id = :id and next_at <= now()
""")
_FORGET = text("delete from schedule_runs where schedule_id = :id and nominal_time < :before")
_ENDINGS = text("""
select run.outcome = 'refused' or jobs.status = any(:failed) as failed
from schedule_runs run left join jobs on jobs.id = run.job_id
where run.schedule_id = :id and run.nominal_time > :since
and run.outcome in ('submitted', 'refused')
order by run.nominal_time desc limit :limit
""")
