"""A store that stands still: who made a result does not wait for it longer than told."""

import asyncio
import signal
from typing import Any

from tests.builders import PATIENCE_S
from tests.e2e.conftest import Register
from tests.e2e.people import Person, until_ended
from tidemill_contracts.jobs import CancelOutcome, Job, JobStatus
from tidemill_stack.stack import Stack

# what it makes is too large to be told, so it has to be stored
LARGE: dict[str, Any] = {"processor": "repeat", "value": "abc"}


async def test_a_cancel_does_not_wait_for_a_store_that_hangs(
    hurt: Stack, register: Register
) -> None:
    ann = await register(hurt)
    hurt.kill("weed", signal.SIGSTOP)
    try:
        async with ann.client.live("all") as items:
            job = await ann.client.submit(**LARGE)
            await made(ann, job)
            await ann.client.cancel(job.id, grace_s=0)
            await until_ended(items, job.id)
    finally:
        hurt.kill("weed", signal.SIGCONT)
    after = await ann.client.job(job.id)
    another = await ann.run(**LARGE)

    assert after.status is JobStatus.CANCELLED
    assert after.cancel
    assert after.cancel.outcome is CancelOutcome.KILLED
    assert (after.cancel.latency_ms or 0) < 5_000
    assert another.status is JobStatus.SUCCEEDED


async def made(person: Person, job: Job) -> None:
    """Wait until the processor has said that it made its result."""
    async with asyncio.timeout(PATIENCE_S):
        while not [line async for line in person.client.log_lines(job.id)]:
            pass
