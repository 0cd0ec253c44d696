"""Many jobs at once: what fits is counted, cancelled, retried or deleted; nothing else is."""

import pytest

from tests.e2e.people import Person
from tests.jobs.conftest import SignUp
from tidemill_contracts.bulk import BulkJobs, BulkOp, JobFilter
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.jobs import JobStatus
from tidemill_jobs import bulk

FAR_AWAY = "2100-01-01T00:00:00Z"


@pytest.fixture
async def emil(sign_up: SignUp) -> Person:
    return await sign_up()


async def some_jobs(person: Person, number: int = 3) -> JobFilter:
    """Scheduled jobs under a label of their own, and one without it."""
    run = uuid7().hex
    order = {"processor": "noop", "run_at": FAR_AWAY}
    for labels in [*[{"run": run}] * number, {}]:
        await person.ask("POST", "/v1/jobs", json=order | {"labels": labels})
    return JobFilter(labels={"run": run})


async def statuses(person: Person, wanted: JobFilter) -> list[str]:
    return [job.status.value for job in (await person.client.jobs(wanted)).items]


async def test_a_dry_run_counts_and_changes_nothing(emil: Person) -> None:
    wanted = await some_jobs(emil)

    done = await emil.client.bulk(BulkOp.CANCEL, wanted, dry_run=True)

    assert (done.matched, done.outcomes) == (3, {})
    assert await statuses(emil, wanted) == ["scheduled"] * 3


async def test_what_fits_is_cancelled_retried_and_deleted(emil: Person) -> None:
    wanted = await some_jobs(emil)

    cancelled = await emil.client.bulk(BulkOp.CANCEL, wanted)
    ended = JobFilter(labels=wanted.labels, status=[JobStatus.CANCELLED])
    retried = await emil.client.bulk(BulkOp.RETRY, ended)
    deleted = await emil.client.bulk(BulkOp.DELETE, ended)

    assert cancelled.outcomes == {"cancelled": 3}
    assert retried.outcomes == {"retried": 3}
    assert deleted.outcomes["deleted"] >= 3
    assert len((await emil.client.jobs(status=[JobStatus.SCHEDULED])).items) == 1


async def test_a_repeated_bulk_retry_with_its_key_makes_no_more(emil: Person) -> None:
    wanted = await some_jobs(emil)
    await emil.client.bulk(BulkOp.CANCEL, wanted)
    ended = JobFilter(labels=wanted.labels, status=[JobStatus.CANCELLED], created_before=now())
    key = uuid7().hex

    for _ in range(2):
        await emil.client.bulk(BulkOp.RETRY, ended, idempotency_key=key)

    assert len(await statuses(emil, wanted)) == 6


def test_only_statuses_that_can_be_treated_so_are() -> None:
    asked = JobFilter(status=[JobStatus.FAILED, JobStatus.RUNNING])

    found = bulk.narrowed(BulkJobs(op=BulkOp.RETRY, filter=asked), now())

    assert found.status == [JobStatus.FAILED]
    assert found.created_before is not None


def test_a_bulk_that_can_treat_nothing_is_refused() -> None:
    order = BulkJobs(op=BulkOp.CANCEL, filter=JobFilter(status=[JobStatus.SUCCEEDED]))

    with pytest.raises(bulk.NothingToDo):
        bulk.narrowed(order, now())
