"""A number goes through three steps; each partial result is kept and told at once."""

from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.people import Person, types, until, until_ended
from tidemill_contracts.ids import now
from tidemill_contracts.job_events import JobStepSucceeded
from tidemill_contracts.jobs import JobStatus, RunPipeline, StepSpec, StepStatus, Timeouts

EXACT = [0, 1, 10, -7, -5, 2**53 + 1, -(2**64), 10**40, -(10**300)]
FLOATS = [0.5, -0.25, 3.0, 1e-9]


@pytest.mark.parametrize("value", EXACT + FLOATS)
async def test_each_partial_result_is_told_live_and_kept_in_the_job(
    ann: Person, value: float
) -> None:
    partial = [value + 5, (value + 5) * 2, (value + 5) * 2 - 10]

    async with ann.client.live("all") as items:
        accepted = await ann.client.run_pipeline("arithmetic", value=value)
        events = await until_ended(items, accepted.id)
    job = await ann.client.job(accepted.id)

    told = [each.event for each in events]
    results = [event.result for event in told if isinstance(event, JobStepSucceeded)]
    assert [result.value for result in results if result] == partial
    assert [step.result.value for step in job.steps if step.result] == partial
    assert [step.name for step in job.steps] == ["add", "multiply", "subtract"]
    assert (job.status, job.pipeline) == (JobStatus.SUCCEEDED, "arithmetic")
    assert await ann.client.result(job.id) == partial[-1]
    assert type(await ann.client.result(job.id)) is type(value)


async def test_a_pipeline_takes_what_a_job_takes(ann: Person) -> None:
    tomorrow = now() + timedelta(days=1)
    order = RunPipeline(
        value=1, run_at=tomorrow, concurrency_key="one", timeouts=Timeouts(total_s=9)
    )

    accepted = await ann.client.run_pipeline("arithmetic", order)
    cancelled = await ann.client.cancel(accepted.id)

    assert accepted.status is JobStatus.SCHEDULED
    assert cancelled.status is JobStatus.CANCELLED


@pytest.mark.parametrize("value", [1e22, 1e300, -0.0])
async def test_a_float_stays_the_float_that_was_told_live(ann: Person, value: float) -> None:
    async with ann.client.live("all") as items:
        accepted = await ann.client.submit(processor="noop", value=value)
        events = await until_ended(items, accepted.id)

    told = [e.event.result for e in events if isinstance(e.event, JobStepSucceeded)]
    assert [repr(result.value) for result in told if result] == [repr(value)]
    assert repr(await ann.client.result(accepted.id)) == repr(value)


async def test_a_partial_result_can_be_fetched_while_the_job_goes_on(ann: Person) -> None:
    steps = [
        StepSpec(processor="add", params={"amount": 5}),
        StepSpec(processor="wait", params={"seconds": 60}),
        StepSpec(processor="multiply", params={"factor": 2}),
    ]

    async with ann.client.live("all") as items:
        accepted = await ann.client.submit(steps=steps, value=10)
        await until(items, JobStepSucceeded, of=accepted.id)
        job = await ann.client.job(accepted.id)
        partial = await ann.client.result(accepted.id, step="add")
        refused = await ann.ask("GET", f"/v1/jobs/{accepted.id}/result")
        await ann.client.cancel(accepted.id)
        events = await until_ended(items, accepted.id)
    after = await ann.client.job(accepted.id)

    assert (partial, job.status) == (15, JobStatus.RUNNING)
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_finished")
    assert types(events)[-2:] == ["job.cancel_requested", "job.cancelled"]
    assert [step.status for step in after.steps] == [
        StepStatus.SUCCEEDED,
        StepStatus.CANCELLED,
        StepStatus.CANCELLED,
    ]
    assert await ann.client.result(accepted.id, step="add") == 15


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.7e308, "not_finite"),
        (2**4096, "too_large"),
        ("ten", "invalid_input"),
        ([1], "invalid_input"),
    ],
)
async def test_what_cannot_be_computed_fails_with_its_reason_and_no_retry(
    ann: Person, value: Any, code: str
) -> None:
    job = await ann.ended((await ann.client.run_pipeline("arithmetic", value=value)).id)

    assert (job.status, job.attempt) == (JobStatus.FAILED, 1)
    assert job.error
    assert job.error.code == code
