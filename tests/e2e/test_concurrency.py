"""Jobs that share a concurrency key, through the gateway."""

from tests.e2e.people import Person, until_ended
from tidemill_contracts.jobs import BlockedReason, JobStatus

KEY = "nightly import of shop 7"


async def test_jobs_of_one_key_run_one_after_the_other(ann: Person) -> None:
    async with ann.client.live("all") as items:
        first = await ann.client.submit(
            processor="wait", params={"seconds": 60}, concurrency_key=KEY
        )
        second = await ann.client.submit(processor="noop", value=2, concurrency_key=KEY)
        other = await ann.run(processor="noop", value=3, concurrency_key="another")
        waiting = await ann.client.job(second.id)
        await ann.client.cancel(first.id)
        await until_ended(items, second.id)
    after = await ann.client.job(second.id)

    assert (waiting.status, waiting.blocked_reason) == (
        JobStatus.BLOCKED,
        BlockedReason.CONCURRENCY_KEY,
    )
    assert (other.status, other.concurrency_key) == (JobStatus.SUCCEEDED, "another")
    assert after.status is JobStatus.SUCCEEDED
    assert (await ann.client.job(first.id)).status is JobStatus.CANCELLED
