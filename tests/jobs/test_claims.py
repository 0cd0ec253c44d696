"""Who gets to run a task: claims, and what they answer."""

from datetime import timedelta
from uuid import uuid4

from tests.jobs.builders import (
    FORK,
    START,
    a_claim,
    a_job,
    begin,
    later,
    send_out,
    some_facts,
    types,
)
from tidemill_contracts.jobs import CancelJob, JobStatus
from tidemill_contracts.work import ClaimOutcome
from tidemill_jobs import lifecycle


def test_a_claim_binds_the_attempt_to_the_workers_run() -> None:
    job = a_job()
    (task,) = send_out(job)
    asked = a_claim(task)

    answer = lifecycle.claim(job, asked, some_facts())

    assert (answer.outcome, answer.attempt) == (ClaimOutcome.GRANTED, 1)
    assert (task.attempt, task.run_id, task.worker) == (1, asked.run_id, "w")
    assert job.status is JobStatus.RUNNING


def test_a_claim_that_is_asked_again_is_granted_again_without_a_new_attempt() -> None:
    job = a_job()
    (task,) = send_out(job)
    asked = a_claim(task)
    first = lifecycle.claim(job, asked, some_facts())

    again = lifecycle.claim(job, asked, some_facts())

    assert again == first
    assert types(job).count("started") == 1


def test_a_claim_of_an_order_that_somebody_runs_finds_it_busy() -> None:
    job = a_job()
    (task,) = begin(job)

    answer = lifecycle.claim(job, a_claim(task), some_facts())

    assert answer.outcome is ClaimOutcome.BUSY


def test_a_claim_of_an_older_order_is_gone() -> None:
    job = a_job()
    (task,) = send_out(job)
    old = a_claim(task)
    lifecycle.revisit(job, later(16))
    send_out(job, START + timedelta(seconds=16))

    answer = lifecycle.claim(job, old, later(17))

    assert (answer.outcome, task.attempt) == (ClaimOutcome.GONE, 0)


def test_a_claim_of_a_task_that_is_not_there_is_gone() -> None:
    job = a_job()
    (task,) = send_out(job)

    answer = lifecycle.claim(job, a_claim(task, task_id=uuid4()), some_facts())

    assert answer.outcome is ClaimOutcome.GONE


def test_a_claim_of_an_ended_job_is_told_so() -> None:
    job = a_job()
    (task,) = send_out(job)
    asked = a_claim(task)
    lifecycle.cancel(job, CancelJob(), START)

    answer = lifecycle.claim(job, asked, some_facts())

    assert answer.outcome is ClaimOutcome.TERMINAL


def test_a_claim_while_the_job_is_being_cancelled_is_told_so() -> None:
    job = a_job(*FORK)
    first, second = send_out(job)
    lifecycle.claim(job, a_claim(first), some_facts())
    late = a_claim(second)
    lifecycle.cancel(job, CancelJob(), START)

    answer = lifecycle.claim(job, late, some_facts())

    assert answer.outcome is ClaimOutcome.CANCELLED
