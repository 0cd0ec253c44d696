"""Whatever comes in whatever order, a job keeps the promises that are made of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, rule
from msgspec.structs import replace

from tests.jobs.builders import (
    BOOT,
    FORK,
    START,
    a_claim,
    a_dataset,
    a_draft,
    a_failure,
    a_report,
    held,
    send_out,
    some_facts,
)
from tests.jobs.promises import Promises
from tidemill_contracts.datasets import DatasetStatus
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import CancelJob, JobStatus, OnError, StepSpec
from tidemill_contracts.work import (
    BeatOutcome,
    ClaimOutcome,
    ClaimTask,
    Ending,
    Payload,
    Released,
    ReportOutcome,
    ReportTask,
    StepOutput,
    Stopped,
    Succeeded,
)
from tidemill_jobs import lifecycle, reports
from tidemill_jobs.lifecycle import JobFinished
from tidemill_jobs.records import Facts, TaskRecord, TaskStatus

MAY_FAIL = StepSpec(processor="wait", name="maybe", on_error=OnError.CONTINUE)
SHAPES: list[tuple[StepSpec | str, ...]] = [
    ("wait",),
    ("noop", "wait", "wait"),
    ("wait", MAY_FAIL, "wait"),
    FORK,
    (*FORK, StepSpec(processor="render", name="d", needs=["a"], on_error=OnError.CONTINUE)),
]
ENDS: list[Ending] = [
    Succeeded(),
    Stopped(),
    Stopped(killed=True),
    Released(reason="drain"),
    Succeeded(),
    Succeeded(),
    *[a_failure(kind) for kind in FailureKind],
    a_failure(FailureKind.TRANSIENT, retry_after_s=0.0),
]
SELDOM = st.sampled_from([False] * 7 + [True])
WORKERS = {"w": BOOT, "v": UUID(int=2)}
WORKER = st.sampled_from(list(WORKERS))
NUMBER = st.integers(0, 4)


class Jobs(Promises):
    """One job, racing workers, and time that passes."""

    orders = Bundle("orders")
    claims = Bundle("claims")
    said = Bundle("said")

    @initialize(
        shape=st.sampled_from(SHAPES),
        waits=SELDOM,
        delay=st.sampled_from([None, None, None, None, 60]),
        attempts=st.integers(1, 4),
    )
    def submit(
        self,
        shape: tuple[StepSpec | str, ...],
        waits: bool,
        delay: int | None,
        attempts: int,
    ) -> None:
        self.now: datetime = START
        self.boots = dict(WORKERS)
        dataset = a_dataset(DatasetStatus.VALIDATING if waits else DatasetStatus.READY)
        self.datasets = {dataset.id: dataset}
        self.job = a_draft(
            *shape,
            value=1,
            dataset_id=dataset.id,
            max_attempts=attempts,
            run_at=START + timedelta(seconds=delay) if delay else None,
        )
        lifecycle.submit(self.job, self.facts)

    @property
    def facts(self) -> Facts:
        return some_facts(self.now, boots=self.boots, datasets=self.datasets)

    @rule(target=orders, number=NUMBER)
    def dispatch(self, number: int) -> ClaimTask:
        """An order of one of the tasks, new or as it was sent before."""
        send_out(self.job, self.now)
        return a_claim(self.any_task(number))

    @rule(target=claims, number=NUMBER, worker=WORKER)
    def begin(self, number: int, worker: str) -> ClaimTask:
        """What ought to happen: an order goes out and a worker claims it."""
        send_out(self.job, self.now)
        return self._claim(a_claim(self.any_task(number)), worker, same=False)

    @rule(target=claims, order=orders, worker=WORKER, same=SELDOM)
    def claim(self, order: ClaimTask, worker: str, same: bool) -> ClaimTask:
        return self._claim(order, worker, same=same)

    def _claim(self, order: ClaimTask, worker: str, *, same: bool) -> ClaimTask:
        run_id = order.run_id if same else uuid4()
        boot_id = self.boots[worker]
        asked = replace(order, run_id=run_id, worker=worker, boot_id=boot_id)
        before = self.owners()
        answer = lifecycle.claim(self.job, asked, self.facts)
        if answer.outcome is not ClaimOutcome.GRANTED:
            assert self.owners() == before
        else:
            task = self.task(order.task_id)
            assert order.dispatch == task.dispatch
            assert (task.run_id, task.attempt) == (run_id, answer.attempt)
            assert task.status is TaskStatus.RUNNING
            assert answer.work is not None
            assert answer.work.steps
        return asked

    @rule(number=NUMBER, outputs=st.integers(0, 3), ending=st.sampled_from([None, *ENDS]))
    def go_on(self, number: int, outputs: int, ending: Ending | None) -> None:
        """What ought to happen: the owner of a task reports."""
        task = self.any_task(number)
        if task.status is TaskStatus.RUNNING:
            left = self.outputs(task)
            most = len(left) if isinstance(ending, Succeeded) else outputs
            self.report(a_report(task, ending, outputs=left[:most]))

    @rule(
        target=said,
        claim=claims,
        attempt=st.integers(1, 3),
        ordinal=st.integers(1, 4),
        outputs=st.integers(0, 3),
        ending=st.sampled_from([None, *ENDS]),
        at_once=st.booleans(),
    )
    def write_report(
        self,
        claim: ClaimTask,
        attempt: int,
        ordinal: int,
        outputs: int,
        ending: Ending | None,
        at_once: bool,
    ) -> ReportTask:
        """What some worker may say, now or much later."""
        task = self.task(claim.task_id)
        return a_report(
            task,
            ending,
            attempt=attempt,
            run_id=claim.run_id,
            ordinal=ordinal,
            claim=claim if at_once else None,
            outputs=self.outputs(task)[:outputs],
        )

    @rule(report=said)
    def report(self, report: ReportTask) -> None:
        task = self.task(report.task_id)
        owner = (task.attempt, task.run_id, task.status)
        seq, ordinal = self.job.seq, task.ordinal
        outcome = reports.report(self.job, report, self.facts)
        if outcome is ReportOutcome.APPLIED:
            assert report.ordinal > ordinal or report.claim is not None
            assert report.claim or owner == (report.attempt, report.run_id, TaskStatus.RUNNING)
        elif report.claim is None:
            assert self.job.seq == seq
            assert (task.attempt, task.run_id, task.status) == owner
        again = self.job.seq
        assert reports.report(self.job, report, self.facts) is not ReportOutcome.APPLIED
        assert self.job.seq == again

    @rule(claim=claims, attempt=st.integers(1, 3))
    def beat(self, claim: ClaimTask, attempt: int) -> None:
        task = self.task(claim.task_id)
        lease = task.lease_until
        is_owner = (task.run_id, task.attempt) == (claim.run_id, attempt)
        alive = replace(held(task), attempt=attempt, run_id=claim.run_id)
        outcome = reports.beat(self.job, alive, self.facts)
        if not is_owner or task.status is not TaskStatus.RUNNING:
            assert outcome is BeatOutcome.SUPERSEDED
            assert task.lease_until == lease

    @rule(meant=SELDOM, grace_s=st.sampled_from([0.0, 10.0]))
    def cancel(self, meant: bool, grace_s: float) -> None:
        if not meant:
            return
        before = self.job.status
        try:
            changed = lifecycle.cancel(self.job, CancelJob(grace_s=grace_s), self.now)
        except JobFinished:
            assert before.is_final
            assert before is not JobStatus.CANCELLED
        else:
            assert changed == (before not in (JobStatus.CANCELLED, JobStatus.CANCELLING))

    @rule(seconds=st.sampled_from([0.5, 0.5, 0.5, 5, 5, 16, 16, 31, 301, 90_000]))
    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        lifecycle.revisit(self.job, self.facts)

    @rule(worker=WORKER, meant=SELDOM)
    def restart_worker(self, worker: str, meant: bool) -> None:
        if meant:
            self.boots = {**self.boots, worker: uuid4()}

    @rule(status=st.sampled_from([DatasetStatus.READY, DatasetStatus.REJECTED]))
    def decide_dataset(self, status: DatasetStatus) -> None:
        (dataset_id,) = self.datasets
        self.datasets = {dataset_id: a_dataset(status)}

    def teardown(self) -> None:
        """With time enough every job ends."""
        for _ in range(3):
            self.now += timedelta(days=8)
            lifecycle.revisit(self.job, self.facts)
        assert self.job.status.is_final
        self.an_ended_job_has_nothing_left_to_run()

    def task(self, task_id: UUID) -> TaskRecord:
        found = self.job.task(task_id)
        assert found is not None
        return found

    def any_task(self, number: int) -> TaskRecord:
        return self.job.tasks[number % len(self.job.tasks)]

    def outputs(self, task: TaskRecord) -> list[StepOutput]:
        """Other outputs each time, for every step of the task."""
        steps = [self.job.steps[index] for index in task.steps]
        return [
            StepOutput(step=step.name, payload=Payload(value=str(uuid4())))
            for step in sorted(steps, key=lambda step: step.kept is not None)
        ]

    def owners(self) -> list[Any]:
        return [(task.attempt, task.run_id, task.status) for task in self.job.tasks]


TestJobs = Jobs.TestCase
TestJobs.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
