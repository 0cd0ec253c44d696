"""Queues: what a pause holds back, for whom, and what workers do meanwhile."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.builders import PATIENCE_S
from tests.e2e.people import Person, signed_anew
from tests.jobs.builders import a_claim, a_job, send_out, some_facts
from tests.jobs.conftest import SignUp
from tests.jobs.office import Office, status_of
from tidemill_contracts.jobs import BlockedReason, JobStatus
from tidemill_contracts.work import ClaimOutcome
from tidemill_jobs import lifecycle
from tidemill_jobs.records import TaskStatus
from tidemill_stack.stack import Stack


@pytest.fixture
async def cleo(sign_up: SignUp) -> Person:
    return await sign_up()


async def queue_of(person: Person, name: str = "default") -> Any:
    page = (await person.ask("GET", "/v1/queues")).json()
    return next(queue for queue in page["items"] if queue["name"] == name)


async def until(person: Person, name: str, number: int) -> None:
    """Until the default queue counts so many of the person's tasks."""
    async with asyncio.timeout(PATIENCE_S):
        while (await queue_of(person))[name] != number:
            pass


async def test_jobs_wait_while_their_queue_is_paused(cleo: Person) -> None:
    paused = await cleo.client.pause_queue("default")

    job = await cleo.client.submit(processor="noop")
    seen = await queue_of(cleo)
    resumed = await cleo.client.resume_queue("default")
    ended = await cleo.ended(job.id)

    assert (job.status, job.blocked_reason) == (JobStatus.BLOCKED, BlockedReason.QUEUE_PAUSED)
    assert (paused.paused, paused.paused_for_all, resumed.paused) == (True, False, False)
    assert (seen["blocked"], seen["queued"]) == (1, 0)
    assert ended.status is JobStatus.SUCCEEDED


async def test_a_tenants_pause_holds_back_nobody_else(cleo: Person, bob: Person) -> None:
    await cleo.client.pause_queue("default")

    job = await bob.run(processor="noop")

    assert job.status is JobStatus.SUCCEEDED
    assert (await queue_of(bob))["paused"] is False


async def test_pausing_twice_is_pausing_once(cleo: Person) -> None:
    await cleo.client.pause_queue("default")
    again = await cleo.client.pause_queue("default")

    resumed = await cleo.client.resume_queue("default")

    assert (again.paused, resumed.paused) == (True, False)


async def test_a_pause_for_everybody_takes_the_systems_administrator(
    stack: Stack, cleo: Person, bob: Person
) -> None:
    everyone: dict[str, Any] = {"json": {"everyone": True}}
    token = signed_anew(stack, cleo.tokens.access_token, system_admin=True)
    powers = {"Authorization": f"Bearer {token}"}

    refused = await cleo.ask("POST", "/v1/queues/default/pause", **everyone)
    paused = await cleo.http.post("/v1/queues/default/pause", headers=powers, **everyone)
    job = await bob.client.submit(processor="noop")
    resumed = await cleo.http.post("/v1/queues/default/resume", headers=powers, **everyone)
    ended = await bob.ended(job.id)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_the_administrator")
    assert (paused.json()["paused_for_all"], resumed.json()["paused_for_all"]) == (True, False)
    assert (job.blocked_reason, ended.status) == (BlockedReason.QUEUE_PAUSED, JobStatus.SUCCEEDED)


async def test_a_queue_that_nobody_knows_cannot_be_paused(cleo: Person) -> None:
    answer = await cleo.ask("POST", "/v1/queues/nowhere/pause")

    assert (answer.status_code, answer.json()["code"]) == (404, "queue_not_found")


async def test_what_runs_is_counted_in_its_queue_and_at_its_worker(cleo: Person) -> None:
    job = await cleo.client.submit(processor="wait", params={"seconds": 60})
    await until(cleo, "running", 1)

    workers = await cleo.client.workers()
    queue = await queue_of(cleo)
    await cleo.client.cancel(job.id, grace_s=0)

    assert sum(worker.busy for worker in workers) >= 1
    assert ["default" in worker.queues for worker in workers if worker.live] == [True]
    assert (queue["workers"], queue["slots"]) == (1, 2)


async def test_what_was_queued_before_the_pause_waits_for_its_end(
    office: Office, owner: asyncpg.Connection
) -> None:
    draft = office.draft()
    await office.submit(draft)
    order = await office.order()
    pause = "insert into queue_pauses (tenant_id, queue) values ($1, $2)"
    await owner.execute(pause, draft.tenant_id, office.queue)
    await office.fleet.refresh()

    claimed = await office.claim(order)
    status = await status_of(owner, draft.id)
    office.ledger.top_up()
    await office.submit(office.draft())
    other = await office.order()
    await owner.execute("delete from queue_pauses where tenant_id = $1", draft.tenant_id)
    await office.fleet.refresh()
    office.ledger.top_up()
    again = await office.order()

    assert (claimed.outcome, status) == (ClaimOutcome.GONE, "queued")
    assert other.job_id != draft.id
    assert (again.job_id, again.dispatch) == (draft.id, order.dispatch + 1)


def test_an_order_that_is_out_when_its_queue_is_paused_is_taken_back() -> None:
    job = a_job()
    task = send_out(job)[0]
    facts = some_facts(held=frozenset({(job.tenant_id, task.queue)}))

    answer = lifecycle.claim(job, a_claim(task), facts)

    assert answer.outcome is ClaimOutcome.GONE
    assert task.status is TaskStatus.QUEUED
