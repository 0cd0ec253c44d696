"""Schedules: jobs that are submitted by the clock."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from tidemill_contracts.event import Event
from tidemill_contracts.jobs import JobStatus, Name, SubmitJob

Cron = Annotated[str, Meta(min_length=9, max_length=255)]
Zone = Annotated[str, Meta(min_length=1, max_length=64)]
Every = Annotated[int, Meta(ge=1, le=31_536_000)]
Jitter = Annotated[int, Meta(ge=0, le=3_600)]
CatchUp = Annotated[int, Meta(ge=0, le=604_800)]
Failures = Annotated[int, Meta(ge=1, le=1_000)]
Note = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$(?!\n)")]


class Overlap(StrEnum):
    """What happens at the next time while the job of the time before goes on."""

    SKIP = "skip"
    ALLOW = "allow"
    CANCEL_RUNNING = "cancel_running"


class RunOutcome(StrEnum):
    """What a time of a schedule came to."""

    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    MISSED = "missed"
    REFUSED = "refused"


class MakeSchedule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Submit `job` at the times of `cron` (in `time_zone`) or `every` so many seconds.

    A time that was missed by more than `catch_up_s` is left out; of several the last one counts.
    """

    name: Name
    job: SubmitJob
    cron: Cron | None = None
    time_zone: Zone = "UTC"
    every: Every | None = None
    overlap: Overlap = Overlap.SKIP
    catch_up_s: CatchUp = 600
    jitter_s: Jitter = 0
    pause_on_failure: Failures | None = None


class ChangeSchedule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What shall be another; what is left out stays."""

    job: SubmitJob | UnsetType = UNSET
    cron: Cron | UnsetType | None = UNSET
    time_zone: Zone | UnsetType = UNSET
    every: Every | UnsetType | None = UNSET
    overlap: Overlap | UnsetType = UNSET
    catch_up_s: CatchUp | UnsetType = UNSET
    jitter_s: Jitter | UnsetType = UNSET
    pause_on_failure: Failures | UnsetType | None = UNSET


class PauseSchedule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    note: Note | None = None


class ScheduleRun(Struct, frozen=True, kw_only=True):
    """A time of a schedule: the job that was made for it, or why none was."""

    nominal_time: datetime
    at: datetime
    outcome: RunOutcome
    job_id: UUID | None = None
    job_status: JobStatus | None = None
    reason: str | None = None


class Schedule(Struct, frozen=True, kw_only=True):
    """A schedule with its next time and what the last one came to; its jobs carry its id."""

    id: UUID
    tenant_id: UUID
    name: str
    job: SubmitJob
    cron: str | None = None
    time_zone: str = "UTC"
    every: int | None = None
    overlap: Overlap = Overlap.SKIP
    catch_up_s: int = 600
    jitter_s: int = 0
    pause_on_failure: int | None = None
    paused: bool = False
    note: str | None = None
    next_run_at: datetime | None = None
    last_run: ScheduleRun | None = None
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime
    seq: int


class ScheduleEvent(Event, frozen=True, kw_only=True):
    """An event of a schedule; `by` is who did it, or nobody where the system did."""

    schedule_id: UUID
    name: str
    by: UUID | None = None

    @property
    def key(self) -> UUID:
        return self.schedule_id


class ScheduleCreated(ScheduleEvent, frozen=True, kw_only=True, tag="schedule.created"):
    """A schedule was made."""


class ScheduleChanged(ScheduleEvent, frozen=True, kw_only=True, tag="schedule.changed"):
    """A schedule has other times or another job."""


class SchedulePaused(ScheduleEvent, frozen=True, kw_only=True, tag="schedule.paused"):
    """A schedule submits nothing until it is resumed."""

    note: str | None = None


class ScheduleResumed(ScheduleEvent, frozen=True, kw_only=True, tag="schedule.resumed"):
    """A schedule submits again."""


class ScheduleDeleted(ScheduleEvent, frozen=True, kw_only=True, tag="schedule.deleted"):
    """A schedule is gone; its jobs stay."""
