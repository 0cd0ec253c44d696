"""Jobs that ended long ago are forgotten with their events, each kind after its time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from tests.jobs.office import Office
from tidemill_contracts.ids import now, uuid7, uuid7_floor
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError
from tidemill_contracts.work import Failed
from tidemill_jobs.forgetting import Forgetter
from tidemill_jobs.settings import JobsSettings
from tidemill_kit.db import Database
from tidemill_kit.settings import load
from tidemill_stack.stack import Stack

DAY_S = 86_400
BROKEN = Failed(failure=FailureKind.DATA, error=JobError(code="broken", message="no"))
TABLES = {
    "jobs": "id", "tasks": "job_id", "attempts": "job_id", "job_facets": "job_id", "events": "key",
}  # fmt: skip
type Age = Callable[..., Awaitable[UUID]]


@pytest.fixture
def forgetter(infra: Stack, database: Database) -> Forgetter:
    given = {"TM_JOB_RETENTION_S": str(DAY_S), "TM_FAILED_JOB_RETENTION_S": str(3 * DAY_S)}
    return Forgetter(database, load(JobsSettings, infra.env("jobs") | given))


@pytest.fixture
def aged(office: Office, owner: asyncpg.Connection) -> Age:
    """Makes a job that ended, or began, so many days ago."""

    async def make(days: float, status: str = "succeeded", *, published: bool = True) -> UUID:
        before = (await office.submit()).job_id
        order = await office.order()
        if status == "failed":
            run_id = uuid7()
            await office.claim(order, run_id)
            await office.report(order, run_id, BROKEN)
        elif status == "succeeded":
            await office.run(order)
        moment = now() - timedelta(days=days)
        after = uuid7_floor(moment)
        for table, column in TABLES.items():
            await owner.execute(
                f"update {table} set {column} = $2 where {column} = $1", before, after
            )
        await owner.execute(
            "update jobs set finished_at = $2 where id = $1 and finished_at is not null",
            after,
            moment,
        )
        if published:
            place = "epoch = 0, stream_seq = seq"
            await owner.execute(f"update events set {place} where key = $1", after)
        return after

    return make


async def left_of(owner: asyncpg.Connection, job_id: UUID) -> dict[str, int]:
    return {
        table: await owner.fetchval(f"select count(*) from {table} where {column} = $1", job_id)
        or 0
        for table, column in TABLES.items()
    }


async def test_a_job_goes_with_all_that_is_known_of_it(
    forgetter: Forgetter, aged: Age, owner: asyncpg.Connection
) -> None:
    job_id = await aged(2)

    await forgetter.forget()

    assert await left_of(owner, job_id) == dict.fromkeys(TABLES, 0)
    assert await owner.fetchval("select count(*) from garbage where job_id = $1", job_id) == 1


@pytest.mark.parametrize(
    ("days", "status", "stays"),
    [(0.5, "succeeded", True), (2, "failed", True), (4, "failed", False), (9, "open", True)],
)
async def test_each_ending_has_its_time(
    days: float,
    status: str,
    stays: bool,
    forgetter: Forgetter,
    aged: Age,
    owner: asyncpg.Connection,
) -> None:
    job_id = await aged(days, status)

    await forgetter.forget()

    assert bool((await left_of(owner, job_id))["jobs"]) == stays


async def test_what_is_not_published_stays(
    forgetter: Forgetter, aged: Age, owner: asyncpg.Connection
) -> None:
    job_id = await aged(2, published=False)

    await forgetter.forget()

    assert (await left_of(owner, job_id))["events"] > 0


async def test_an_ingest_job_lives_as_long_as_its_dataset(
    forgetter: Forgetter, aged: Age, owner: asyncpg.Connection
) -> None:
    job_id, dataset_id = await aged(2), uuid7()
    await owner.execute(
        "update jobs set system = true, dataset_id = $2 where id = $1", job_id, dataset_id
    )
    row = (dataset_id, uuid7(), "ready")
    await owner.execute("insert into datasets (id, tenant_id, status) values ($1, $2, $3)", *row)

    await forgetter.forget()
    beside = (await left_of(owner, job_id))["jobs"]
    await owner.execute("delete from datasets where id = $1", dataset_id)
    await forgetter.forget()

    assert (beside, (await left_of(owner, job_id))["jobs"]) == (1, 0)


async def test_events_of_deleted_jobs_go_last_and_the_log_says_how_far_it_is_forgotten(
    forgetter: Forgetter, aged: Age, owner: asyncpg.Connection
) -> None:
    job_id = await aged(4)
    last = await owner.fetchval("select max(stream_seq) from events where key = $1", job_id)
    await owner.execute("delete from jobs where id = $1", job_id)

    await forgetter.forget()

    place = await owner.fetchrow("select epoch, position from forgotten")
    assert (await left_of(owner, job_id))["events"] == 0
    assert place is not None
    assert (place["epoch"], place["position"]) >= (0, last)


async def test_a_month_of_which_nothing_is_left_is_dropped(
    forgetter: Forgetter, owner: asyncpg.Connection
) -> None:
    for table in (*TABLES, "job_lines"):
        await owner.execute(
            f"create table {table}_2020_02 partition of {table} for values"
            " from (uuid_floor('2020-02-01Z')) to (uuid_floor('2020-03-01Z'))"
        )

    await forgetter.forget()

    found = await owner.fetch("select 1 from pg_class where relname like '%\\_2020\\_02'")
    assert found == []
