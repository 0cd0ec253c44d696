"""What is promised of every job, at every moment of its life."""

from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tidemill_contracts.fold import fold
from tidemill_contracts.jobs import BlockedReason, JobStatus, OnError, StepStatus
from tidemill_contracts.work import Payload
from tidemill_jobs.records import JobRecord, TaskStatus
from tidemill_jobs.shown import public

ENDINGS = {"job.succeeded", "job.failed", "job.cancelled", "job.expired"}


class Promises(RuleBasedStateMachine):
    """Looks at a job after each thing that happens to it."""

    job: JobRecord

    def __init__(self) -> None:
        super().__init__()
        self.attempts: dict[UUID, int] = {}
        self.kept: dict[str, Payload] = {}
        self.ended: tuple[JobStatus, int] | None = None

    @invariant()
    def an_ending_is_one_and_the_last(self) -> None:
        found = [event.type for event in self.job.events if event.type in ENDINGS]
        if not self.job.status.is_final:
            assert found == []
            assert self.job.finished_at is None
            return
        assert found == [f"job.{self.job.status}"]
        assert self.job.events[-1].type in ENDINGS
        now = (self.job.status, self.job.seq)
        assert self.ended in (None, now)
        self.ended = now

    @invariant()
    def an_ended_job_has_nothing_left_to_run(self) -> None:
        if self.job.status.is_final:
            assert all(task.status.is_over for task in self.job.tasks)
            assert self.job.next_attempt_at is None
            assert self.job.cancel_deadline is None
            assert all(attempt.finished_at for attempt in self.job.attempts)

    @invariant()
    def events_are_numbered_without_gaps(self) -> None:
        numbers = [event.seq for event in self.job.events]
        assert numbers == list(range(1, self.job.seq + 1))

    @invariant()
    def an_attempt_number_never_decreases(self) -> None:
        for task in self.job.tasks:
            assert task.attempt >= self.attempts.get(task.id, 0)
            self.attempts[task.id] = task.attempt
        rows = [(attempt.task_id, attempt.attempt) for attempt in self.job.attempts]
        assert len(rows) == len(set(rows))

    @invariant()
    def a_kept_output_is_kept_for_good(self) -> None:
        for name, payload in self.kept.items():
            step = self.job.step(name)
            assert step is not None
            assert step.kept == payload
        self.kept = {step.name: step.kept for step in self.job.steps if step.kept is not None}

    @invariant()
    def the_status_tells_of_the_tasks(self) -> None:
        statuses = {task.status for task in self.job.tasks}
        match self.job.status:
            case JobStatus.SUCCEEDED:
                assert statuses == {TaskStatus.DONE}
                assert all(
                    step.status is StepStatus.SUCCEEDED or step.on_error is OnError.CONTINUE
                    for step in self.job.steps
                )
            case JobStatus.CANCELLING:
                assert TaskStatus.RUNNING in statuses
                assert not statuses & {TaskStatus.QUEUED, TaskStatus.RETRYING, TaskStatus.WAITING}
                assert self.job.cancel_deadline is not None
            case JobStatus.RETRYING:
                assert TaskStatus.RETRYING in statuses
                assert self.job.next_attempt_at is not None
            case JobStatus.BLOCKED | JobStatus.SCHEDULED:
                assert statuses == {TaskStatus.WAITING}
            case JobStatus.QUEUED:
                assert statuses & {TaskStatus.QUEUED, TaskStatus.DISPATCHED}
                assert TaskStatus.RUNNING not in statuses
            case JobStatus.RUNNING:
                assert statuses & {TaskStatus.QUEUED, TaskStatus.DISPATCHED, TaskStatus.RUNNING}
            case _:
                pass

    @invariant()
    def an_open_job_has_a_deadline(self) -> None:
        assert (self.job.deadline is None) == self.job.status.is_final

    @invariant()
    def only_a_failed_job_is_filed_and_only_once(self) -> None:
        assert len(self.job.dead_letters) <= 1
        assert not self.job.dead_letters or self.job.status is JobStatus.FAILED

    @invariant()
    def who_waits_for_the_key_does_not_hold_it(self) -> None:
        waits = self.job.blocked_reason is BlockedReason.CONCURRENCY_KEY
        assert not (waits and self.holder() == self.job.id)
        begun = self.job.status not in (JobStatus.BLOCKED, JobStatus.SCHEDULED)
        assert not begun or self.job.status.is_final or self.holder() == self.job.id

    def holder(self) -> UUID | None:
        """Who holds the job's concurrency key."""
        raise NotImplementedError

    @invariant()
    def the_next_attempt_is_told_and_not_later_than_the_first_of_its_tasks(self) -> None:
        times = [t.next_at for t in self.job.tasks if t.status is TaskStatus.RETRYING and t.next_at]
        if times:
            assert self.job.next_attempt_at is not None
            assert self.job.next_attempt_at <= min(times)

    @invariant()
    def its_events_make_the_job(self) -> None:
        assert fold(self.job.events) == public(self.job)

    @invariant()
    def a_cancel_has_an_outcome_once_the_job_has_ended(self) -> None:
        if self.job.cancel is not None:
            assert (self.job.cancel.outcome is not None) == self.job.status.is_final
        if self.job.status is JobStatus.CANCELLED:
            assert self.job.cancel is not None
