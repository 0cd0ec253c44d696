"""Cancelling: before the start, while it runs, against its will, and too late."""

import pytest

from tests.e2e.people import Person, types, until, until_ended
from tidemill_contracts.job_events import JobStarted, JobSubmitted
from tidemill_contracts.jobs import CancelOutcome, Job, JobStatus, StepSpec


async def test_a_running_job_that_listens_stops_at_once(ann: Person) -> None:
    async with ann.client.live("all") as items:
        job = await ann.client.submit(processor="wait", params={"seconds": 60})
        await until(items, JobStarted, of=job.id)
        asked = await ann.client.cancel(job.id, reason="changed my mind", grace_s=20)
        events = await until_ended(items, job.id)
    after = await ann.client.job(job.id)

    assert asked.status is JobStatus.CANCELLING
    assert types(events) == ["job.cancel_requested", "job.cancelled"]
    assert after.status is JobStatus.CANCELLED
    assert after.cancel
    assert after.cancel.reason == "changed my mind"
    assert after.cancel.outcome is CancelOutcome.COOPERATIVE
    assert (after.cancel.latency_ms or 0) < 10_000


async def test_a_running_job_that_does_not_listen_is_killed_after_its_grace(ann: Person) -> None:
    async with ann.client.live("all") as items:
        job = await ann.client.submit(processor="burn_cpu", params={"milliseconds": 120_000})
        await until(items, JobStarted, of=job.id)
        asked = await ann.ask("POST", f"/v1/jobs/{job.id}/cancel", json={"grace_s": 1})
        again = await ann.ask("POST", f"/v1/jobs/{job.id}/cancel", json={"grace_s": 60})
        events = await until_ended(items, job.id)
    after = await ann.client.job(job.id)

    assert (asked.status_code, again.status_code) == (202, 200)
    assert again.json() | {"cursor": asked.json()["cursor"]} == asked.json()
    assert types(events) == ["job.cancel_requested", "job.cancelled"]
    assert after.cancel
    assert after.cancel.outcome is CancelOutcome.KILLED
    assert 1_000 <= (after.cancel.latency_ms or 0) < 8_000


async def test_after_a_kill_the_slot_takes_the_next_job(ann: Person) -> None:
    async with ann.client.live("all") as items:
        job = await ann.client.submit(processor="fail", params={"kind": "hang"})
        await until(items, JobStarted, of=job.id)
        await ann.client.cancel(job.id, grace_s=0)
        await until_ended(items, job.id)

    others = [await ann.run(processor="wait", params={"seconds": 0}, value=n) for n in range(3)]

    assert [each.status for each in others] == [JobStatus.SUCCEEDED] * 3


@pytest.mark.parametrize("blocked_by", ["run_at", "dataset"])
async def test_a_job_that_has_not_started_is_cancelled_on_the_spot(
    ann: Person, blocked_by: str
) -> None:
    job = await not_started(ann, blocked_by)

    answer = await ann.ask("POST", f"/v1/jobs/{job.id}/cancel", json={"reason": "not now"})
    again = await ann.ask("POST", f"/v1/jobs/{job.id}/cancel")
    events = await ann.client.job_events(job.id)

    assert (answer.status_code, again.status_code) == (200, 200)
    assert answer.json()["status"] == "cancelled"
    assert answer.json()["cancel"]["outcome"] == "not_started"
    assert again.json()["seq"] == answer.json()["seq"]
    assert types(events)[-1] == "job.cancelled"
    assert "job.started" not in types(events)


@pytest.mark.parametrize(
    ("processor", "params", "ending"),
    [("noop", {}, "succeeded"), ("fail", {"kind": "data"}, "failed")],
)
async def test_an_ended_job_cannot_be_cancelled(
    ann: Person, processor: str, params: dict[str, str], ending: str
) -> None:
    job = await ann.run(processor=processor, params=params, value=1)

    answer = await ann.ask("POST", f"/v1/jobs/{job.id}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "job_finished")
    assert answer.json()["job_status"] == ending
    assert await ann.client.job_events(job.id) == await ann.client.job_events(job.id)
    assert (await ann.client.job(job.id)).seq == job.seq


async def test_a_cancelled_job_gives_no_result_but_keeps_its_finished_steps(ann: Person) -> None:
    steps = [
        StepSpec(processor="reverse_string"),
        StepSpec(processor="wait", params={"seconds": 60}),
    ]

    async with ann.client.live("all") as items:
        job = await ann.client.submit(steps=steps, value="abc")
        await until(items, JobSubmitted, of=job.id)
        await ann.client.cancel(job.id, grace_s=20)
        await until_ended(items, job.id)
    result = await ann.ask("GET", f"/v1/jobs/{job.id}/result")

    assert (result.status_code, result.json()["code"]) == (409, "no_result")
    assert result.json()["job_status"] == "cancelled"


async def not_started(person: Person, blocked_by: str) -> Job:
    if blocked_by == "run_at":
        order = {"processor": "noop", "run_at": "2100-01-01T00:00:00Z"}
        answer = await person.ask("POST", "/v1/jobs", json=order)
        return await person.client.job(answer.json()["id"])
    broken = await person.client.upload(b"a,b\n" + b"1,2\n" * 100_000, "slow.csv")
    return await person.client.submit(processor="compute_metrics", dataset_id=broken.id)
