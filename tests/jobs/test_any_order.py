"""Whatever comes in whatever order, a job keeps the promises that are made of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from msgspec.structs import replace

from tests.jobs.builders import (
    BOOT,
    START,
    a_claim,
    a_dataset,
    a_draft,
    a_report,
    held,
    send_out,
    some_facts,
)
from tests.jobs.promises import Promises
from tests.jobs.reruns import run_again
from tests.jobs.shapes import ENDS, SHAPES
from tidemill_contracts.datasets import DatasetStatus
from tidemill_contracts.jobs import (
    CancelJob,
    JobStatus,
    StepSpec,
)
from tidemill_contracts.work import (
    BeatOutcome,
    ClaimOutcome,
    ClaimTask,
    Ending,
    Payload,
    ReportOutcome,
    ReportTask,
    StepOutput,
    Succeeded,
)
from tidemill_jobs import lifecycle, reports
from tidemill_jobs.lifecycle import JobFinished
from tidemill_jobs.records import Facts, Key, TaskRecord, TaskStatus

OTHER = UUID(int=7)
SELDOM = st.sampled_from([False] * 5 + [True])
WORKERS = {"w": BOOT, "v": UUID(int=2)}
WORKER = st.sampled_from(list(WORKERS))
NUMBER = st.integers(0, 4)
INDEX = st.integers(0, 30)
ENDING = st.sampled_from([None, None, None, *[Succeeded()] * 6, *ENDS])
TURNS = st.lists(st.tuples(NUMBER, WORKER, st.integers(0, 3), ENDING), min_size=2, max_size=4)

type Turns = list[tuple[int, str, int, Ending | None]]


class Jobs(Promises):
    """One job, racing workers, and time that passes."""

    @initialize(
        shape=st.sampled_from(SHAPES),
        waits=SELDOM,
        taken=SELDOM,
        delay=st.sampled_from([None, None, None, None, 60]),
        attempts=st.integers(1, 4),
    )
    def submit(
        self,
        shape: tuple[StepSpec | str, ...],
        waits: bool,
        taken: bool,
        delay: int | None,
        attempts: int,
    ) -> None:
        self.now: datetime = START
        self.boots = dict(WORKERS)
        self.claims: list[ClaimTask] = []
        self.said: list[ReportTask] = []
        dataset = a_dataset(DatasetStatus.VALIDATING if waits else DatasetStatus.READY)
        self.datasets = {dataset.id: dataset}
        self.job = a_draft(
            *shape,
            value=1,
            dataset_id=dataset.id,
            max_attempts=attempts,
            concurrency_key="k",
            run_at=START + timedelta(seconds=delay) if delay else None,
        )
        self.holders: dict[Key, UUID | None] = {self.key: OTHER if taken else None}
        lifecycle.submit(self.job, self.facts)

    @property
    def key(self) -> Key:
        return (self.job.tenant_id, "k")

    @property
    def facts(self) -> Facts:
        return some_facts(self.now, boots=self.boots, datasets=self.datasets, holders=self.holders)

    def holder(self) -> UUID | None:
        return self.holders[self.key]

    @rule(turns=TURNS)
    def free_the_key(self, turns: Turns) -> None:
        self.work(turns)
        if self.holder() == OTHER:
            self.holders[self.key] = None
            lifecycle.revisit(self.job, self.facts)

    @rule(turns=TURNS)
    def go_on(self, turns: Turns) -> None:
        self.work(turns)

    @rule(turns=TURNS, index=INDEX, worker=WORKER, same=st.booleans())
    def claim_late(self, turns: Turns, index: int, worker: str, same: bool) -> None:
        """An order that somebody has claimed before, asked for again or by somebody else."""
        self.work(turns)
        if self.claims:
            order = self.claims[index % len(self.claims)]
            self.claim(order, worker, order.run_id if same else None)

    @rule(turns=TURNS, index=INDEX, at_once=st.booleans())
    def report_late(self, turns: Turns, index: int, at_once: bool) -> None:
        """A report that was made before, perhaps as a claim and finish."""
        self.work(turns)
        if self.said:
            said = self.said[index % len(self.said)]
            claims = [claim for claim in self.claims if claim.run_id == said.run_id]
            self.report(replace(said, claim=claims[0] if at_once else None))

    @rule(
        turns=TURNS,
        index=INDEX,
        attempt=st.integers(1, 3),
        ordinal=st.integers(1, 4),
        outputs=st.integers(0, 3),
        ending=ENDING,
    )
    def report_falsely(
        self,
        turns: Turns,
        index: int,
        attempt: int,
        ordinal: int,
        outputs: int,
        ending: Ending | None,
    ) -> None:
        """A report by whoever claimed once, as if it owned this attempt."""
        self.work(turns)
        if self.claims:
            claim = self.claims[index % len(self.claims)]
            task = self.task(claim.task_id)
            said = a_report(task, ending, outputs=self.outputs(task)[:outputs])
            said = replace(said, attempt=attempt, run_id=claim.run_id, ordinal=ordinal)
            self.report(said)

    @rule(turns=TURNS, index=INDEX, attempt=st.integers(1, 3), idle_s=st.sampled_from([0, 301]))
    def beat(self, turns: Turns, index: int, attempt: int, idle_s: float) -> None:
        self.work(turns)
        if not self.claims:
            return
        claim = self.claims[index % len(self.claims)]
        task = self.task(claim.task_id)
        lease = task.lease_until
        is_owner = (task.run_id, task.attempt) == (claim.run_id, attempt)
        alive = replace(held(task), attempt=attempt, run_id=claim.run_id, idle_s=idle_s)
        told, stalled = self.job.seq, task.stalled
        outcome = reports.beat(self.job, alive, self.facts)
        if not is_owner or task.status is not TaskStatus.RUNNING:
            assert outcome is BeatOutcome.SUPERSEDED
            assert task.lease_until == lease
            assert self.job.seq == told
        elif self.job.status is not JobStatus.CANCELLING:
            assert self.job.seq == told + (idle_s > 300 and not stalled)

    @rule(turns=TURNS, meant=SELDOM, grace_s=st.sampled_from([0.0, 10.0]))
    def cancel(self, turns: Turns, meant: bool, grace_s: float) -> None:
        self.work(turns)
        if not meant and all(task.status is not TaskStatus.RUNNING for task in self.job.tasks):
            return
        before = self.job.status
        try:
            changed = lifecycle.cancel(self.job, CancelJob(grace_s=grace_s), self.now)
        except JobFinished:
            assert before.is_final
            assert before is not JobStatus.CANCELLED
        else:
            assert changed == (before not in (JobStatus.CANCELLED, JobStatus.CANCELLING))

    @rule(turns=TURNS, seconds=st.sampled_from([0.5, 0.5, 0.5, 5, 5, 16, 16, 31, 301, 90_000]))
    def pass_time(self, turns: Turns, seconds: float) -> None:
        self.work(turns)
        self.now += timedelta(seconds=seconds)
        lifecycle.revisit(self.job, self.facts)

    @rule(turns=TURNS, worker=WORKER, meant=SELDOM)
    def restart_worker(self, turns: Turns, worker: str, meant: bool) -> None:
        self.work(turns)
        if meant:
            self.boots = {**self.boots, worker: uuid4()}

    @rule(turns=TURNS, status=st.sampled_from([DatasetStatus.READY, DatasetStatus.REJECTED]))
    def decide_dataset(self, turns: Turns, status: DatasetStatus) -> None:
        self.work(turns)
        (dataset_id,) = self.datasets
        self.datasets = {dataset_id: a_dataset(status)}

    def teardown(self) -> None:
        """With time enough every job ends."""
        for _ in range(3):
            self.now += timedelta(days=8)
            lifecycle.revisit(self.job, self.facts)
        assert self.job.status.is_final
        self.an_ended_job_has_nothing_left_to_run()
        self.an_ending_is_one_and_the_last()
        for step in self.job.steps:
            run_again(self.job, step.name, self.now)

    def task(self, task_id: UUID) -> TaskRecord:
        found = self.job.task(task_id)
        assert found is not None
        return found

    def work(self, turns: Turns) -> None:
        """What ought to happen: orders go out, workers claim them, owners report."""
        for number, worker, outputs, ending in turns:
            send_out(self.job, self.now)
            task = self.any_task(number)
            if task.status is TaskStatus.DISPATCHED:
                self.claim(a_claim(task), worker)
            elif task.status is TaskStatus.RUNNING:
                left = self.outputs(task)
                most = len(left) - outputs // 3 if isinstance(ending, Succeeded) else outputs
                self.report(a_report(task, ending, outputs=left[:most]))

    def claim(self, order: ClaimTask, worker: str, run_id: UUID | None = None) -> None:
        asked = replace(order, run_id=run_id or uuid4(), worker=worker, boot_id=self.boots[worker])
        self.claims.append(asked)
        before, ended = self.owners(), self.job.status.is_final
        answer = lifecycle.claim(self.job, asked, self.facts)
        if answer.outcome is not ClaimOutcome.GRANTED:
            assert self.owners() == before
            return
        task = self.task(order.task_id)
        assert not ended
        assert order.dispatch == task.dispatch
        assert (task.run_id, task.attempt) == (asked.run_id, answer.attempt)
        assert task.status is TaskStatus.RUNNING
        assert answer.work is not None
        assert answer.work.steps

    def report(self, said: ReportTask) -> None:
        self.said.append(said)
        task = self.task(said.task_id)
        owner = (task.attempt, task.run_id, task.status)
        seq, ordinal = self.job.seq, task.ordinal
        outcome = reports.report(self.job, said, self.facts)
        if outcome is ReportOutcome.APPLIED:
            assert said.ordinal > ordinal or said.claim is not None
            assert said.claim or owner == (said.attempt, said.run_id, TaskStatus.RUNNING)
        elif said.claim is None:
            assert self.job.seq == seq
            assert (task.attempt, task.run_id, task.status) == owner
        again = self.job.seq
        assert reports.report(self.job, said, self.facts) is not ReportOutcome.APPLIED
        assert self.job.seq == again

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
TestJobs.settings = settings(max_examples=250, stateful_step_count=12, deadline=None)
