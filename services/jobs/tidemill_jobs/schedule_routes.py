"""HTTP: schedules."""

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from tidemill_contracts.jobs import Job
from tidemill_contracts.pages import Page
from tidemill_contracts.schedules import (
    ChangeSchedule,
    MakeSchedule,
    PauseSchedule,
    Schedule,
    ScheduleRun,
)
from tidemill_jobs import firing, schedules, times
from tidemill_jobs.routes import Key, Limit, accepted
from tidemill_jobs.schedule_repository import ScheduleRepository
from tidemill_jobs.times import Times
from tidemill_kit.app import READ, WRITE, Caller
from tidemill_kit.errors import BadRequest
from tidemill_kit.idempotency import Once
from tidemill_kit.paging import page_of

Kept = NamedDependency[ScheduleRepository]
Asking = Request[Any, Any, Any]
Count = Annotated[int, QueryParameter(ge=1, le=100)]


class ScheduleController(Controller):
    """Jobs that are submitted by the clock."""

    path = "/v1/schedules"
    tags = ("Schedules",)

    @get(opt=READ, operation_id="listSchedules")
    async def listed(
        self,
        request: Asking,
        kept: Kept,
        cursor: FromQuery[UUID | None] = None,
        limit: Limit = 50,
    ) -> Response[Page[Schedule]]:
        """The schedules with the next time and the last run of each, newest first."""
        found = await kept.newest(before=cursor, limit=limit + 1)
        return page_of(request, found, limit, lambda schedule: schedule.id)

    @post(opt=WRITE, operation_id="makeSchedule")
    async def make(
        self,
        request: Asking,
        data: JSONBody[MakeSchedule],
        principal: Caller,
        kept: Kept,
        once: NamedDependency[Once],
        idempotency_key: Key = None,
    ) -> Response[Schedule]:
        """Submit a job by the clock; its order is checked now."""
        del idempotency_key  # `once` has read it; here it is for the documents
        return await once.answer(
            data,
            lambda: schedules.make_schedule(request.app, kept, principal, data),
            location=lambda made: f"/v1/schedules/{made.id}",
        )

    @get("/next", opt=READ, operation_id="previewTimes")
    async def preview(
        self,
        cron: FromQuery[str | None] = None,
        time_zone: FromQuery[str] = "UTC",
        every: Annotated[int | None, QueryParameter(ge=1, le=31_536_000)] = None,
        count: Count = 5,
    ) -> Page[datetime]:
        """The next times that a schedule with this `cron` or `every` would have."""
        times.check(cron, time_zone, every)
        moment = datetime.now(UTC)
        return Page([*islice(Times(cron, time_zone, every, moment).following(moment), count)])

    @get("/{schedule_id:uuid}", opt=READ, operation_id="showSchedule")
    async def show(self, schedule_id: FromPath[UUID], kept: Kept) -> Schedule:
        """A schedule with its next time and its last run."""
        return await kept.get(schedule_id)

    @patch("/{schedule_id:uuid}", opt=WRITE, operation_id="changeSchedule")
    async def change(
        self,
        request: Asking,
        schedule_id: FromPath[UUID],
        data: JSONBody[ChangeSchedule],
        principal: Caller,
        kept: Kept,
    ) -> Schedule:
        """Other times or another job; to go from `cron` to `every` give both, one as null."""
        return await schedules.change_schedule(request.app, kept, principal, schedule_id, data)

    @delete("/{schedule_id:uuid}", opt=WRITE, operation_id="deleteSchedule")
    async def remove(self, schedule_id: FromPath[UUID], principal: Caller, kept: Kept) -> None:
        """Forget a schedule; its jobs stay."""
        await schedules.remove_schedule(kept, principal, schedule_id)

    @post("/{schedule_id:uuid}/pause", opt=WRITE, status_code=200, operation_id="pauseSchedule")
    async def pause(
        self,
        request: Asking,
        schedule_id: FromPath[UUID],
        principal: Caller,
        kept: Kept,
    ) -> Schedule:
        """Submit nothing until it is resumed; the body may hold a `note` that says why."""
        note = _pause(await request.body()).note
        return await schedules.pause_schedule(kept, principal.user_id, schedule_id, note)

    @post("/{schedule_id:uuid}/resume", opt=WRITE, status_code=200, operation_id="resumeSchedule")
    async def resume(
        self,
        request: Asking,
        schedule_id: FromPath[UUID],
        principal: Caller,
        kept: Kept,
    ) -> Schedule:
        """Go on with the next time; what was missed meanwhile is left out."""
        return await schedules.resume_schedule(request.app, kept, principal, schedule_id)

    @post("/{schedule_id:uuid}/run", opt=WRITE, status_code=202, operation_id="runSchedule")
    async def run(
        self,
        request: Asking,
        schedule_id: FromPath[UUID],
        principal: Caller,
        kept: Kept,
        idempotency_key: Key = None,
    ) -> Response[Job]:
        """Submit the schedule's job now, also while it is paused; its times stay."""
        answer = await firing.run_now(request.app, kept, principal, schedule_id, idempotency_key)
        return accepted(answer)

    @get("/{schedule_id:uuid}/next", opt=READ, operation_id="nextTimes")
    async def following(
        self,
        schedule_id: FromPath[UUID],
        kept: Kept,
        count: Count = 5,
    ) -> Page[datetime]:
        """The next times, without jitter; also those of a paused schedule."""
        moment = datetime.now(UTC)
        schedule = await kept.get(schedule_id)
        return Page([*islice(schedules.times_of(schedule).following(moment), count)])

    @get("/{schedule_id:uuid}/runs", opt=READ, operation_id="scheduleRuns")
    async def runs(
        self,
        request: Asking,
        schedule_id: FromPath[UUID],
        kept: Kept,
        cursor: FromQuery[datetime | None] = None,
        limit: Limit = 50,
    ) -> Response[Page[ScheduleRun]]:
        """What the last times came to, newest first; they are kept for 30 days."""
        await kept.get(schedule_id)
        found = await kept.runs(schedule_id, before=cursor, limit=limit + 1)
        return page_of(request, found, limit, lambda run: run.nominal_time.isoformat())


def _pause(body: bytes) -> PauseSchedule:
    """The order in a body that may be left out."""
    try:
        return msgspec.json.decode(body, type=PauseSchedule) if body else PauseSchedule()
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from error
