"""Jobs by the hundred: the page shows them without asking for each, and without stumbling."""

from collections.abc import Callable

import pytest

from tests.browser.frames import Watch
from tests.browser.visitor import Visitor
from tidemill_contracts.jobs import Job, SubmitJob

ORDERS = [
    *[SubmitJob(processor="add", params={"amount": 1}, value=1)] * 140,
    *[SubmitJob(processor="wait", params={"seconds": 0.05})] * 10,
]
# summaries that no event tells in full are read again every three seconds
SUMMARIES, EVERY_S = 3, 3


@pytest.fixture(scope="session")
def rounds() -> int:
    """So often 150 jobs are handed in and waited for."""
    return 1


@pytest.fixture(scope="session")
def least_frames() -> float:
    """A second; here other tests run beside it, so that it says only that the page is alive."""
    return 1.0


@pytest.mark.parametrize("path", ["/", "/jobs", "/events"])
async def test_hundreds_of_jobs_cost_a_page_no_request_each_and_few_frames(
    visitor: Visitor,
    path: str,
    rounds: int,
    least_frames: float,
    record_property: Callable[[str, object], None],
) -> None:
    await visitor.go(path)

    async with visitor.client() as client, Watch(visitor.page) as watch:
        for _ in range(rounds):
            for job in (await client.submit_batch(ORDERS))[-10:]:
                assert isinstance(job, Job)
                await client.wait(job.id)

    record_property(path, watch.figures)
    assert len(watch.requests) <= SUMMARIES * (2 + watch.seconds / EVERY_S)
    assert watch.mean >= least_frames
    assert visitor.complaints == []
