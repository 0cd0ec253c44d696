"""What a job waits for: its hour, its dataset, a worker; and how long it may."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from tests.jobs.builders import (
    FRAME,
    START,
    a_claim,
    a_dataset,
    a_job,
    a_report,
    begin,
    held,
    later,
    outputs_of,
    send_out,
    short,
    some_facts,
    types,
)
from tidemill_contracts.datasets import DatasetStatus, Frame, Part
from tidemill_contracts.jobs import BlockedReason, JobStatus
from tidemill_contracts.work import BeatOutcome, ClaimOutcome
from tidemill_jobs import lifecycle, reports
from tidemill_jobs.records import Facts, TaskStatus


def test_a_job_that_can_run_is_queued_at_once() -> None:
    job = a_job()

    assert (job.status, types(job)) == (JobStatus.QUEUED, ["submitted"])
    assert job.tasks[0].status is TaskStatus.QUEUED


def test_a_job_for_later_is_scheduled_and_starts_when_its_time_comes() -> None:
    job = a_job(run_at=START + timedelta(hours=1))
    before = job.status

    lifecycle.revisit(job, later(3599))
    just_before = job.status
    lifecycle.revisit(job, later(3600))

    assert (before, just_before, job.status) == (
        JobStatus.SCHEDULED,
        JobStatus.SCHEDULED,
        JobStatus.QUEUED,
    )


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (some_facts(processors=frozenset()), BlockedReason.NO_WORKER),
        (some_facts(queues=frozenset({"other"})), BlockedReason.NO_WORKER),
        (some_facts(paused=frozenset({"default"})), BlockedReason.QUEUE_PAUSED),
    ],
)
def test_a_job_that_cannot_run_says_why(facts: Facts, reason: BlockedReason) -> None:
    job = a_job(facts=facts)

    lifecycle.revisit(job, facts)

    assert (job.status, job.blocked_reason) == (JobStatus.BLOCKED, reason)
    assert types(job) == ["submitted", "blocked"]


def test_a_blocked_job_is_queued_once_the_obstacle_is_gone() -> None:
    job = a_job(facts=some_facts(processors=frozenset()))

    lifecycle.revisit(job, some_facts())

    assert (job.status, job.blocked_reason) == (JobStatus.QUEUED, None)


def test_a_job_waits_for_its_dataset_and_gets_its_frame() -> None:
    coming = a_dataset(DatasetStatus.VALIDATING)
    job = a_job(
        "normalize",
        dataset_id=coming.id,
        facts=some_facts(datasets={coming.id: coming}),
    )
    ready = a_dataset(DatasetStatus.READY)

    lifecycle.revisit(job, some_facts(datasets={coming.id: ready}))

    assert job.status is JobStatus.QUEUED
    assert job.given.frame == FRAME


def test_a_job_waits_while_its_dataset_is_read_again_and_gets_what_is_there_then() -> None:
    reread = replace(a_dataset(DatasetStatus.READY), status=DatasetStatus.VALIDATING)
    anew = Frame([Part("t/j/2/b", 2, 2, "1" * 64)], 1)
    jobs = [
        a_job("normalize", dataset_id=reread.id, facts=some_facts(datasets={reread.id: reread}))
        for _ in range(2)
    ]
    waits_for = {job.blocked_reason for job in jobs}

    for job, frame in zip(jobs, (anew, FRAME), strict=True):
        ready = replace(reread, status=DatasetStatus.READY, frame=frame)
        lifecycle.revisit(job, some_facts(datasets={reread.id: ready}))

    assert waits_for == {BlockedReason.DATASET}
    assert [job.status for job in jobs] == [JobStatus.QUEUED] * 2
    assert [job.given.frame for job in jobs] == [anew, FRAME]


def test_a_job_that_was_let_through_keeps_its_frame_while_its_dataset_is_read_again() -> None:
    ready = a_dataset(DatasetStatus.READY)
    job = a_job("normalize", dataset_id=ready.id, facts=some_facts(datasets={ready.id: ready}))
    reread = replace(ready, status=DatasetStatus.VALIDATING)

    lifecycle.revisit(job, some_facts(datasets={ready.id: reread}))

    assert (job.status, job.given.frame) == (JobStatus.QUEUED, FRAME)


@pytest.mark.parametrize("status", [DatasetStatus.REJECTED, DatasetStatus.DELETED])
def test_a_job_whose_dataset_will_never_be_ready_fails(status: DatasetStatus) -> None:
    coming = a_dataset(DatasetStatus.VALIDATING)
    job = a_job(
        "normalize",
        dataset_id=coming.id,
        facts=some_facts(datasets={coming.id: coming}),
    )

    lifecycle.revisit(job, some_facts(datasets={coming.id: a_dataset(status)}))

    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.code == "dataset_unusable"


def test_a_job_that_waited_too_long_expires() -> None:
    job = a_job(facts=some_facts(processors=frozenset()), timeouts=short(queue_s=60))

    lifecycle.revisit(job, later(60, processors=frozenset()))
    before = job.status
    lifecycle.revisit(job, later(61))

    assert (before, job.status) == (JobStatus.BLOCKED, JobStatus.EXPIRED)
    assert job.error is not None
    assert (job.error.code, types(job)[-1]) == ("queue_ttl", "expired")


def test_the_time_before_its_hour_does_not_count_as_waiting() -> None:
    job = a_job(run_at=START + timedelta(days=3), timeouts=short(queue_s=60))

    lifecycle.revisit(job, later(3 * 86_400 + 30))

    assert job.status is JobStatus.QUEUED


def test_a_job_that_takes_too_long_in_all_fails() -> None:
    job = a_job(timeouts=short(total_s=60))
    (task,) = begin(job)
    reports.beat(job, held(task), later(60))

    lifecycle.revisit(job, later(61))

    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.code == "total_timeout"


def test_an_order_that_nobody_claims_goes_out_again_under_a_new_number() -> None:
    job = a_job()
    (task,) = send_out(job)

    lifecycle.revisit(job, later(15))
    before = task.status
    lifecycle.revisit(job, later(15.1))
    send_out(job)

    assert (before, task.dispatch, task.attempt) == (TaskStatus.DISPATCHED, 2, 0)


def test_a_silent_attempt_is_lost_when_its_lease_is_over() -> None:
    job = a_job()
    (task,) = begin(job)

    lifecycle.revisit(job, later(30))
    before = job.status
    lifecycle.revisit(job, later(30.1))

    assert (before, job.status, task.status) == (
        JobStatus.RUNNING,
        JobStatus.QUEUED,
        TaskStatus.QUEUED,
    )
    assert types(job)[-2:] == ["attempt_lost", "queued"]


def test_a_beat_prolongs_the_lease() -> None:
    job = a_job()
    (task,) = begin(job)

    said = reports.beat(job, held(task), later(20))
    lifecycle.revisit(job, later(49))

    assert (said, task.status) == (BeatOutcome.OK, TaskStatus.RUNNING)


def test_a_new_boot_of_the_worker_ends_its_older_attempts_at_once() -> None:
    job = a_job()
    (task,) = begin(job)

    lifecycle.revisit(job, later(1, boots={"w": UUID(int=2)}))

    assert task.status is TaskStatus.QUEUED
    assert types(job)[-2:] == ["attempt_lost", "queued"]


def test_three_lost_workers_in_a_row_are_a_crash_loop() -> None:
    job = a_job(max_attempts=1)
    for number in (1, 2, 3):
        begin(job, later(number * 100))
        lifecycle.revisit(job, later(number * 100 + 31))

    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.code == "crash_loop"
    assert [a.outcome for a in job.attempts] == ["lost", "lost", "lost"]


def test_a_report_in_between_breaks_the_row_of_lost_workers() -> None:
    job = a_job("wait", "wait")
    for number in (1, 2, 3):
        (task,) = begin(job, later(number * 100))
        if number == 2:
            said = a_report(task, outputs=outputs_of(job, task)[:1])
            reports.report(job, said, later(number * 100 + 1))
        lifecycle.revisit(job, later(number * 100 + 40))

    assert job.status is JobStatus.QUEUED


def test_an_ended_job_is_never_looked_at_again() -> None:
    job = a_job(timeouts=short(queue_s=1))
    lifecycle.revisit(job, later(2))
    events, ended = types(job), job.finished_at

    lifecycle.revisit(job, later(1_000_000))

    assert (types(job), job.finished_at) == (events, ended)


def test_a_late_claim_of_a_lost_attempts_order_is_gone() -> None:
    job = a_job()
    (task,) = send_out(job)
    asked = a_claim(task)
    lifecycle.claim(job, asked, some_facts())
    lifecycle.revisit(job, later(31))

    answer = lifecycle.claim(job, asked, later(32))

    assert answer.outcome is ClaimOutcome.GONE
