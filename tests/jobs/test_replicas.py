"""Two replicas at once: whatever they are asked, each job keeps one history and one ending."""

import asyncio
from collections import Counter
from random import Random
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.builders import PATIENCE_S
from tests.jobs.builders import FORK, a_failure
from tests.jobs.office import Office
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import CancelJob
from tidemill_contracts.work import ClaimOutcome, RunTask, Stopped
from tidemill_jobs.commands import CancelOne, Revisit
from tidemill_jobs.lifecycle import JobFinished

JOBS = 150
WORKERS = 12
SHAPES = (("wait",), ("noop",), ("wait", "wait"), FORK)


class Load:
    """Workers of two replicas that do everything twice, late, or to the wrong replica."""

    def __init__(self, replicas: list[Office], seed: int) -> None:
        self.replicas = replicas
        self.chance = Random(seed)
        self.tenants: dict[UUID, UUID] = {}
        self.granted = Counter[tuple[UUID, int]]()
        self.cancelled: set[UUID] = set()

    def anyone(self) -> Office:
        return self.chance.choice(self.replicas)

    async def submit_all(self) -> None:
        drafts = [self.anyone().draft(*self.chance.choice(SHAPES), value=1) for _ in range(JOBS)]
        self.tenants = {draft.id: draft.tenant_id for draft in drafts}
        await asyncio.gather(*[self.anyone().submit(draft) for draft in drafts])

    async def work(self, office: Office) -> None:
        while True:
            order = await office.orders.get()
            doing = [self._do(order)]
            if self.chance.random() < 0.5:
                doing.append(self._do(order))
            if self.chance.random() < 0.2:
                doing.append(self._cancel(order.job_id))
            await asyncio.gather(*doing)

    async def _do(self, order: RunTask) -> None:
        if self.chance.random() < 0.3:
            await self._fail(order)
        else:
            await self._finish(order)

    async def _finish(self, order: RunTask) -> None:
        run_id = uuid4()
        answer = await self.anyone().claim(order, run_id)
        if answer.outcome is ClaimOutcome.GRANTED:
            self.granted[order.task_id, answer.attempt] += 1
            said = {"attempt": answer.attempt, "ordinal": 1}
            outputs = self.anyone().outputs_for(answer)
            twice = [
                self.anyone().report(order, run_id, ending, outputs=outputs, **said)
                for ending in (None, None)
            ]
            await asyncio.gather(*twice)
            await self.anyone().finish(order, run_id, answer)

    async def _fail(self, order: RunTask) -> None:
        run_id = uuid4()
        answer = await self.anyone().claim(order, run_id)
        if answer.outcome is ClaimOutcome.GRANTED:
            self.granted[order.task_id, answer.attempt] += 1
            kind = self.chance.choice([FailureKind.DATA, FailureKind.TRANSIENT])
            ending = self.chance.choice([a_failure(kind, retry_after_s=0.0), Stopped()])
            await self.anyone().report(order, run_id, ending, attempt=answer.attempt)

    async def _cancel(self, job_id: UUID) -> None:
        self.cancelled.add(job_id)
        asked = {"tenant_id": self.tenants[job_id], "job_id": job_id, "order": CancelJob(grace_s=0)}
        try:
            await self.anyone().ask(CancelOne, **asked)
        except JobFinished:
            self.cancelled.discard(job_id)

    async def until_all_ended(self, owner: asyncpg.Connection) -> None:
        """Look at the open jobs again and again, from both replicas at once."""
        async with asyncio.timeout(PATIENCE_S):
            while ids := await owner.fetch(OPEN, list(self.tenants)):
                looks = [
                    office.ask(Revisit, ids=[row["id"] for row in ids]) for office in self.replicas
                ]
                await asyncio.gather(*looks)


OPEN = "select id from jobs where id = any($1) and finished_at is null order by id"
LIVING_TASKS = """
select tasks.status from tasks join jobs on jobs.id = tasks.job_id
where jobs.id = any($1) and tasks.status not in ('done', 'failed', 'cancelled', 'killed', 'lost')
"""
BROKEN_ATTEMPTS = """
select task_id from attempts where job_id = any($1)
group by task_id having max(attempt) <> count(*) or count(*) filter (where outcome is null) > 0
"""
ENDINGS = {"job.succeeded", "job.failed", "job.cancelled", "job.expired"}


async def deadlocks(owner: asyncpg.Connection) -> int:
    query = "select deadlocks from pg_stat_database where datname = current_database()"
    return int(await owner.fetchval(query) or 0)


async def check_history(owner: asyncpg.Connection, job_id: UUID, status: str) -> None:
    """Numbered without gaps; one ending, the stored one, and it is the last."""
    rows = await owner.fetch("select seq, type from events where key = $1 order by seq", job_id)
    types = [row["type"] for row in rows]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert [kind for kind in types if kind in ENDINGS] == [f"job.{status}"]
    assert types[-1] == f"job.{status}"


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_job_ends_once_and_no_attempt_has_two_owners(
    replicas: list[Office],
    owner: asyncpg.Connection,
    seed: int,
) -> None:
    load = Load(replicas, seed)
    before = await deadlocks(owner)

    async with asyncio.TaskGroup() as tasks:
        workers = [tasks.create_task(load.work(replicas[number % 2])) for number in range(WORKERS)]
        await load.submit_all()
        await load.until_all_ended(owner)
        for worker in workers:
            worker.cancel()

    ids = list(load.tenants)
    rows = await owner.fetch("select id, status, cancel from jobs where id = any($1)", ids)
    assert len(rows) == JOBS
    for row in rows:
        await check_history(owner, row["id"], row["status"])
        assert row["id"] not in load.cancelled or '"outcome": null' not in row["cancel"]
    assert max(load.granted.values()) == 1
    assert await owner.fetch(LIVING_TASKS, ids) == []
    assert await owner.fetch(BROKEN_ATTEMPTS, ids) == []
    assert await deadlocks(owner) - before <= 2
    assert {row["status"] for row in rows} == {"succeeded", "failed", "cancelled"}
