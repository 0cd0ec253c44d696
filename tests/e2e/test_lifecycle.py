"""What a job lives through besides success: silence, crashes, limits of time."""

import asyncio

import pytest

from tests.builders import PATIENCE_S
from tests.e2e.people import Person, types
from tidemill_contracts.job_events import JobStalled
from tidemill_contracts.jobs import BlockedReason, JobStatus, Timeouts


async def test_an_attempt_goes_on_from_the_checkpoint_of_the_one_that_crashed(
    ann: Person,
) -> None:
    job = await ann.run(processor="climb")
    attempts = await ann.client.attempts(job.id)

    assert job.status is JobStatus.SUCCEEDED
    assert job.result
    assert job.result.value == {"first": 3, "last": 5}
    assert [(each.attempt, each.outcome) for each in attempts] == [(1, "failed"), (2, "succeeded")]
    assert attempts[0].error
    assert attempts[0].error.code == "child_crashed"
    assert all(each.duration_s is not None for each in attempts)


async def test_a_silent_attempt_stalls_once_and_goes_on(ann: Person) -> None:
    job = await ann.run(
        processor="burn_cpu", params={"milliseconds": 2_500}, timeouts=Timeouts(stall_s=1)
    )
    events = await ann.client.job_events(job.id)

    (stalled,) = [each.event for each in events if isinstance(each.event, JobStalled)]
    assert job.status is JobStatus.SUCCEEDED
    assert (stalled.step, stalled.attempt) == ("burn_cpu", 1)
    assert stalled.idle_s >= 1


async def test_whoever_only_asks_sees_how_far_a_running_job_is(ann: Person) -> None:
    job = await ann.client.submit(processor="wait", params={"seconds": 60})

    async with asyncio.timeout(PATIENCE_S):
        while (await ann.client.job(job.id)).progress is None:
            pass
    shown = await ann.client.job(job.id)
    await ann.client.cancel(job.id, grace_s=0)

    assert shown.status is JobStatus.RUNNING
    assert shown.progress
    assert (shown.progress.step, shown.progress.total, shown.progress.unit) == (
        "wait",
        60_000,
        "ms",
    )


async def test_an_attempt_that_takes_too_long_is_tried_once_more(ann: Person) -> None:
    job = await ann.run(processor="wait", params={"seconds": 60}, timeouts=Timeouts(attempt_s=0.5))
    events = await ann.client.job_events(job.id)

    assert job.status is JobStatus.FAILED
    assert job.error
    assert (job.error.code, job.attempt) == ("timeout", 2)
    assert types(events).count("job.retry_scheduled") == 1


async def test_a_job_that_takes_too_long_altogether_fails(ann: Person) -> None:
    job = await ann.run(processor="wait", params={"seconds": 60}, timeouts=Timeouts(total_s=1))

    assert job.status is JobStatus.FAILED
    assert job.error
    assert job.error.code == "total_timeout"
    assert job.started_at
    assert job.finished_at
    assert 1 <= (job.finished_at - job.started_at).total_seconds() < 10


async def test_a_job_that_waits_too_long_expires(ann: Person) -> None:
    holder = await ann.client.submit(
        processor="wait", params={"seconds": 60}, concurrency_key="busy"
    )
    waiting = await ann.client.submit(
        processor="noop", concurrency_key="busy", timeouts=Timeouts(queue_s=1)
    )
    ended = await ann.ended(waiting.id)
    await ann.client.cancel(holder.id)

    assert waiting.blocked_reason is BlockedReason.CONCURRENCY_KEY
    assert (ended.status, ended.error and ended.error.code) == (JobStatus.EXPIRED, "queue_ttl")


@pytest.mark.parametrize("kind", ["transient", "crash"])
async def test_a_job_that_used_up_its_attempts_says_which_and_why(ann: Person, kind: str) -> None:
    job = await ann.run(
        processor="fail", params={"kind": kind, "attempts": 99}, value=1, max_attempts=2
    )
    attempts = await ann.client.attempts(job.id)

    expected = {"transient": ("transient", 2), "crash": ("crash_loop", 3)}
    assert job.status is JobStatus.FAILED
    assert job.error
    assert (job.error.code, len(attempts)) == expected[kind]
    assert all(each.error and each.worker for each in attempts)
