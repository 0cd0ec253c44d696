"""Schedules whose time has come: each time makes one job, whoever looks and however often."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from litestar import Litestar

from tests.builders import a_principal
from tests.jobs.office import Office
from tidemill_contracts.jobs import SubmitJob
from tidemill_contracts.schedules import MakeSchedule, Overlap, Schedule
from tidemill_jobs import firing, schedules
from tidemill_jobs.app import create_app
from tidemill_jobs.plan import Planner
from tidemill_jobs.schedule_repository import ScheduleNotFound, ScheduleRepository
from tidemill_jobs.settings import JobsSettings
from tidemill_jobs.workers import Cancels
from tidemill_kit.db import Database
from tidemill_kit.settings import load
from tidemill_stack.stack import Stack

NEVER = "0 0 1 1 *"


@pytest.fixture(scope="module")
def bare_apps(infra: Stack) -> list[Litestar]:
    return [create_app(load(JobsSettings, infra.env("jobs"))) for _ in range(2)]


def a_replica(app: Litestar, database: Database, office: Office) -> Litestar:
    """The service's application with the office's machines, without its edges."""
    app.state.database, app.state.ledger, app.state.fleet = database, office.ledger, office.fleet
    app.state.planner, app.state.cancels = Planner(), Cancels()
    app.state.client = app.state.publisher = None
    return app


@pytest.fixture
def apps(bare_apps: list[Litestar], database: Database, replicas: list[Office]) -> list[Litestar]:
    pairs = zip(bare_apps, replicas, strict=True)
    return [a_replica(app, database, office) for app, office in pairs]


async def make(app: Litestar, queue: str, **fields: Any) -> Schedule:
    """A schedule of a tenant of its own, whose jobs nobody runs unless asked."""
    job = SubmitJob(processor="wait", value=1, queue=queue)
    given: dict[str, Any] = {"name": "nightly", "job": job, "cron": NEVER} | fields
    order = MakeSchedule(**given)
    caller = a_principal(tenant_id=uuid4())
    async with app.state.database.on_behalf_of(caller.tenant_id) as connection:
        kept = ScheduleRepository(connection, caller.tenant_id)
        return await schedules.make_schedule(app, kept, caller, order)


async def come(owner: asyncpg.Connection, made: Schedule, ago_s: float = 1.0) -> datetime:
    """Let the schedule's time have come so long ago."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=ago_s)
    change = "update schedules set nominal_time = $2, next_at = $2 where id = $1"
    await owner.execute(change, made.id, moment)
    return moment


async def runs(owner: asyncpg.Connection, made: Schedule) -> list[tuple[str, UUID | None]]:
    query = "select outcome, job_id from schedule_runs where schedule_id = $1 order by nominal_time"
    return [(row["outcome"], row["job_id"]) for row in await owner.fetch(query, made.id)]


async def jobs(owner: asyncpg.Connection, made: Schedule) -> list[asyncpg.Record]:
    query = "select id, status, labels, created_by from jobs where tenant_id = $1 order by id"
    return await owner.fetch(query, made.tenant_id)


async def test_replicas_that_look_at_once_make_one_job(
    apps: list[Litestar], replicas: list[Office], owner: asyncpg.Connection
) -> None:
    made = await make(apps[0], replicas[0].queue)
    await come(owner, made)

    await asyncio.gather(*[firing.fire_due(app) for app in apps for _ in range(4)])

    found = await jobs(owner, made)
    assert len(found) == 1
    assert await runs(owner, made) == [("submitted", found[0]["id"])]
    assert f'"schedule_id": "{made.id}"' in found[0]["labels"]
    assert found[0]["created_by"] == made.created_by


async def test_a_replica_that_died_after_the_submit_leaves_nothing_to_be_made_twice(
    apps: list[Litestar], replicas: list[Office], owner: asyncpg.Connection
) -> None:
    made = await make(apps[0], replicas[0].queue)
    moment = await come(owner, made)
    await firing.fire_due(apps[0])
    await owner.execute("delete from schedule_runs where schedule_id = $1", made.id)
    back = "update schedules set nominal_time = $2, next_at = $2 where id = $1"
    await owner.execute(back, made.id, moment)

    await owner.execute("update schedules set overlap = 'allow' where id = $1", made.id)
    await firing.fire_due(apps[1])

    found = await jobs(owner, made)
    assert len(found) == 1
    assert await runs(owner, made) == [("submitted", found[0]["id"])]


async def test_a_schedule_goes_on_to_its_next_time(
    apps: list[Litestar], replicas: list[Office], owner: asyncpg.Connection
) -> None:
    made = await make(apps[0], replicas[0].queue, cron=None, every=3_600)
    await come(owner, made)

    await firing.fire_due(apps[0])
    await firing.fire_due(apps[0])

    row = await owner.fetchrow("select next_at from schedules where id = $1", made.id)
    assert row
    assert row["next_at"] > datetime.now(UTC)
    assert len(await jobs(owner, made)) == 1


async def test_a_time_that_was_missed_by_too_much_is_left_out(
    apps: list[Litestar], replicas: list[Office], owner: asyncpg.Connection
) -> None:
    late, early = [await make(apps[0], office.queue, catch_up_s=600) for office in replicas]
    await come(owner, late, ago_s=700)
    await come(owner, early, ago_s=500)

    await firing.fire_due(apps[0])

    assert [outcome for outcome, _ in await runs(owner, late)] == ["missed"]
    assert [outcome for outcome, _ in await runs(owner, early)] == ["submitted"]
    assert await jobs(owner, late) == []


@pytest.mark.parametrize(
    ("overlap", "outcomes", "statuses"),
    [
        (Overlap.SKIP, ["submitted", "skipped"], 1),
        (Overlap.ALLOW, ["submitted", "submitted"], 2),
        (Overlap.CANCEL_RUNNING, ["submitted", "submitted"], 2),
    ],
)
async def test_a_job_that_goes_on_meets_the_next_time(
    apps: list[Litestar],
    replicas: list[Office],
    owner: asyncpg.Connection,
    overlap: Overlap,
    outcomes: list[str],
    statuses: int,
) -> None:
    made = await make(apps[0], replicas[0].queue, overlap=overlap)
    await come(owner, made, ago_s=60)
    await firing.fire_due(apps[0])
    await come(owner, made)

    await firing.fire_due(apps[0])

    found = await jobs(owner, made)
    assert [outcome for outcome, _ in await runs(owner, made)] == outcomes
    assert len(found) == statuses
    cancelled = [row["status"] for row in found].count("cancelled")
    assert cancelled == (1 if overlap is Overlap.CANCEL_RUNNING else 0)


async def test_failures_in_a_row_pause_a_schedule_until_it_is_resumed(
    apps: list[Litestar], replicas: list[Office], owner: asyncpg.Connection
) -> None:
    app = apps[0]
    made = await make(app, replicas[0].queue, pause_on_failure=2)
    await owner.execute(
        "update schedules set resumed_at = now() - interval '1 hour' where id = $1", made.id
    )
    for ago_s in (300, 200):
        await come(owner, made, ago_s=ago_s)
        await firing.fire_due(app)
        failed = "update jobs set status = 'failed', finished_at = now() where tenant_id = $1"
        await owner.execute(failed, made.tenant_id)
    await come(owner, made)

    await firing.fire_due(app)

    caller = a_principal(tenant_id=made.tenant_id)
    async with app.state.database.on_behalf_of(made.tenant_id) as connection:
        kept = ScheduleRepository(connection, made.tenant_id)
        paused = await kept.get(made.id)
        resumed = await schedules.resume_schedule(app, kept, caller, made.id)
    assert (paused.paused, paused.note) == (True, "paused after 2 failures in a row")
    assert (resumed.paused, resumed.note) == (False, None)
    assert len(await jobs(owner, made)) == 2
    types = await owner.fetch("select type from events where key = $1 order by seq", made.id)
    assert [row["type"] for row in types] == [
        "schedule.created",
        "schedule.paused",
        "schedule.resumed",
    ]


async def test_a_job_that_is_refused_when_its_time_comes_is_told_of(
    apps: list[Litestar], replicas: list[Office], owner: asyncpg.Connection
) -> None:
    made = await make(apps[0], replicas[0].queue)
    gone = '{"processor": "gone", "queue": "default"}'
    await owner.execute("update schedules set job = $2 where id = $1", made.id, gone)
    await come(owner, made)

    await firing.fire_due(apps[0])

    row = await owner.fetchrow("select * from schedule_runs where schedule_id = $1", made.id)
    assert row
    assert (row["outcome"], row["job_id"]) == ("refused", None)
    assert row["reason"].startswith("processor_unknown")


async def test_one_schedule_that_cannot_be_acted_on_holds_up_no_other(
    apps: list[Litestar], replicas: list[Office], owner: asyncpg.Connection
) -> None:
    broken, sound = [await make(apps[0], replicas[0].queue) for _ in range(2)]
    await owner.execute("update schedules set job = '[]' where id = $1", broken.id)
    await come(owner, broken, ago_s=5)
    await come(owner, sound)

    await firing.fire_due(apps[0])

    later = await owner.fetchval("select next_at > now() from schedules where id = $1", broken.id)
    assert later
    assert [outcome for outcome, _ in await runs(owner, sound)] == ["submitted"]
    await owner.execute("delete from schedules where id = $1", broken.id)


async def test_a_schedule_of_another_tenant_looks_like_none(
    apps: list[Litestar], replicas: list[Office]
) -> None:
    made = await make(apps[0], replicas[0].queue)
    other = uuid4()

    async with apps[0].state.database.on_behalf_of(other) as connection:
        kept = ScheduleRepository(connection, other)
        found = await kept.newest(before=None, limit=10)
        # row-level security stands behind the repository's own `where`
        with pytest.raises(ScheduleNotFound):
            await ScheduleRepository(connection, made.tenant_id).get(made.id)

    assert found == []
