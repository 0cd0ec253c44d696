"""The client's calls about schedules."""

from datetime import datetime
from uuid import UUID

from tidemill_client.account import Account
from tidemill_contracts.jobs import Job
from tidemill_contracts.pages import Page
from tidemill_contracts.schedules import (
    ChangeSchedule,
    MakeSchedule,
    PauseSchedule,
    Schedule,
    ScheduleRun,
)

PATH = "/v1/schedules"


class Schedules(Account):
    """The part of the client that has jobs submitted by the clock."""

    async def schedules(self, *, limit: int = 50, cursor: str | None = None) -> Page[Schedule]:
        """The newest first, each with its next time and its last run."""
        return await self.get(PATH, Page[Schedule], {"limit": limit, "cursor": cursor})

    async def make_schedule(
        self, order: MakeSchedule, *, idempotency_key: str | None = None
    ) -> Schedule:
        return await self.post(PATH, Schedule, order, key=idempotency_key)

    async def schedule(self, schedule_id: UUID) -> Schedule:
        return await self.get(f"{PATH}/{schedule_id}", Schedule)

    async def change_schedule(self, schedule_id: UUID, order: ChangeSchedule) -> Schedule:
        path = f"{PATH}/{schedule_id}"
        return await self.gateway.call("PATCH", path, Schedule, order=order)

    async def delete_schedule(self, schedule_id: UUID) -> None:
        """Forget a schedule; its jobs stay."""
        await self.gateway.call("DELETE", f"{PATH}/{schedule_id}")

    async def pause_schedule(self, schedule_id: UUID, note: str | None = None) -> Schedule:
        return await self.post(f"{PATH}/{schedule_id}/pause", Schedule, PauseSchedule(note=note))

    async def resume_schedule(self, schedule_id: UUID) -> Schedule:
        return await self.post(f"{PATH}/{schedule_id}/resume", Schedule)

    async def run_schedule(self, schedule_id: UUID, *, idempotency_key: str | None = None) -> Job:
        """Submit the schedule's job now; its times stay as they are."""
        return await self.post(f"{PATH}/{schedule_id}/run", Job, key=idempotency_key)

    async def next_times(self, schedule_id: UUID, *, count: int = 5) -> list[datetime]:
        path = f"{PATH}/{schedule_id}/next"
        return (await self.get(path, Page[datetime], {"count": count})).items

    async def preview_times(
        self,
        *,
        cron: str | None = None,
        time_zone: str = "UTC",
        every: int | None = None,
        count: int = 5,
    ) -> list[datetime]:
        """The times that such a schedule would have."""
        query = {"cron": cron, "time_zone": time_zone, "every": every, "count": count}
        return (await self.get(f"{PATH}/next", Page[datetime], query)).items

    async def schedule_runs(
        self, schedule_id: UUID, *, limit: int = 50, cursor: str | None = None
    ) -> Page[ScheduleRun]:
        """What the last times came to, newest first."""
        query = {"limit": limit, "cursor": cursor}
        return await self.get(f"{PATH}/{schedule_id}/runs", Page[ScheduleRun], query)
