"""A job as its events tell of it, up to any one of them: a pure fold of its history."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self
from uuid import UUID

from msgspec.structs import replace

from tidemill_contracts import job_events as ev
from tidemill_contracts.ids import moment_of
from tidemill_contracts.jobs import Job, JobError, JobStatus, Result, Step, StepStatus

_OPEN = (StepStatus.PENDING, StepStatus.RUNNING)


class HistoryBroken(ValueError):
    """These are not the events of one job, from the first on and without a gap."""


class Fold:
    """A job's life so far: begun by its first event, carried on by each that follows.

    What a job shows and no event tells of is not here: `cursor`, and the values, parameters,
    labels and tracebacks that an event of 64 KiB had no room for.
    """

    def __init__(self, first: ev.JobEvent) -> None:
        if not isinstance(first, ev.JobSubmitted) or first.seq != 1:
            raise HistoryBroken(f"it begins with {first.type} number {first.seq}")
        self.id: UUID = first.job_id
        self.left_out: list[str] = first.left_out or []
        self.created_at = first.created_at or None
        self._fields: dict[str, Any] = {name: getattr(first, name) for name in _COPIED}
        self._fields["created_at"] = self.created_at or moment_of(first.job_id)
        self._fields["updated_at"] = first.at
        self._steps = {step.name: step for step in first.steps}
        # the steps of the attempt that each step belongs to
        self._runs: dict[str, list[str]] = {}

    @classmethod
    def of(cls, events: Iterable[ev.JobEvent]) -> Self:
        """The fold of these events, which are in order; HistoryBroken where there are none."""
        found: Self | None = None
        for event in events:
            if found is None:
                found = cls(event)
            else:
                found.apply(event)
        if found is None:
            raise HistoryBroken("there are no events")
        return found

    @property
    def seq(self) -> int:
        return self._fields["seq"]

    @property
    def status(self) -> JobStatus:
        return self._fields["status"]

    @property
    def job(self) -> Job:
        """The job as it stood after the last event."""
        return Job(id=self.id, steps=list(self._steps.values()), **self._fields)

    def apply(self, event: ev.JobEvent) -> None:
        """Carry on with the next event; HistoryBroken where it is not the next."""
        if event.seq != self.seq + 1 or event.job_id != self.id:
            raise HistoryBroken(f"number {event.seq} follows {self.seq}")
        if change := self._CHANGES.get(type(event)):
            change(self, event)
        self._fields["seq"], self._fields["updated_at"] = event.seq, event.at

    def _queued(self, event: ev.JobQueued) -> None:
        self._set(
            status=JobStatus.QUEUED,
            blocked_reason=None,
            next_attempt_at=event.next_attempt_at or None,
        )

    def _blocked(self, event: ev.JobBlocked) -> None:
        self._set(status=JobStatus.BLOCKED, blocked_reason=event.reason)

    def _started(self, event: ev.JobStarted) -> None:
        self._set(
            status=JobStatus.RUNNING,
            blocked_reason=None,
            next_attempt_at=event.next_attempt_at or None,
            attempt=max(self._fields.get("attempt", 0), event.attempt),
            started_at=self._fields.get("started_at") or event.at,
        )
        self._runs |= dict.fromkeys(event.steps, event.steps)
        self._run_first(event.steps)

    def _step_succeeded(self, event: ev.JobStepSucceeded) -> None:
        self._step(event.step, StepStatus.SUCCEEDED, result=event.result)
        self._run_first(self._runs.get(event.step, []))
        self._set(progress=event.progress or self._fields.get("progress"))
        self._set(status=event.status or self.status)

    def _step_failed(self, event: ev.JobStepFailed) -> None:
        if event.final is not False:
            self._step(event.step, StepStatus.FAILED, error=event.error)
        self._set(status=event.status or self.status)

    def _retry_scheduled(self, event: ev.JobRetryScheduled) -> None:
        failed = self._steps.get(event.error.step or "")
        if failed and failed.status is StepStatus.FAILED:
            # earlier versions did not tell whether a failure was the step's last
            self._step(failed.name, StepStatus.RUNNING, error=None)
        self._set(
            status=event.status or JobStatus.RETRYING,
            next_attempt_at=event.first_attempt_at or event.next_attempt_at,
        )

    def _cancel_requested(self, event: ev.JobCancelRequested) -> None:
        self._set(
            status=JobStatus.CANCELLING,
            blocked_reason=None,
            next_attempt_at=None,
            cancel=event.cancel,
        )

    def _succeeded(self, event: ev.JobSucceeded) -> None:
        self._end(JobStatus.SUCCEEDED, event, result=event.result, cancel=event.cancel)

    def _failed(self, event: ev.JobFailed) -> None:
        self._end(JobStatus.FAILED, event, error=event.error, cancel=event.cancel)

    def _cancelled(self, event: ev.JobCancelled) -> None:
        self._end(JobStatus.CANCELLED, event, cancel=event.cancel)

    def _expired(self, event: ev.JobExpired) -> None:
        self._end(JobStatus.EXPIRED, event, error=event.error)

    def _end(self, status: JobStatus, event: ev.JobEvent, **facts: Any) -> None:
        for step in list(self._steps.values()):
            if step.status in _OPEN:
                self._step(step.name, StepStatus.CANCELLED)
        self._set(status=status, finished_at=event.at, blocked_reason=None, next_attempt_at=None)
        self._set(**facts)

    def _set(self, **facts: Any) -> None:
        self._fields.update(facts)

    def _step(self, name: str, status: StepStatus, **facts: Result | JobError | None) -> None:
        """Change a step; one that the first event did not list is none of this job's."""
        if name not in self._steps:
            raise HistoryBroken(f"there is no step named {name!r}")
        self._steps[name] = replace(self._steps[name], status=status, **facts)

    def _run_first(self, names: Iterable[str]) -> None:
        """The first of an attempt's steps that is not over is the one that runs."""
        for name in names:
            step: Step | None = self._steps.get(name)
            if step and step.status in _OPEN:
                self._step(name, StepStatus.RUNNING)
                return

    _CHANGES: ClassVar[Mapping[type[ev.JobEvent], Callable[[Self, Any], None]]] = {
        ev.JobQueued: _queued,
        ev.JobBlocked: _blocked,
        ev.JobStarted: _started,
        ev.JobStepSucceeded: _step_succeeded,
        ev.JobStepFailed: _step_failed,
        ev.JobRetryScheduled: _retry_scheduled,
        ev.JobCancelRequested: _cancel_requested,
        ev.JobSucceeded: _succeeded,
        ev.JobFailed: _failed,
        ev.JobCancelled: _cancelled,
        ev.JobExpired: _expired,
    }


def fold(events: Iterable[ev.JobEvent]) -> Job:
    """The job that these events make, in order and from the first on."""
    return Fold.of(events).job


_COPIED = sorted(
    set(Job.__struct_fields__).intersection(ev.JobSubmitted.__struct_fields__)
    - {"id", "steps", "created_at"},
)
