"""The audit trail tells of what was done at every service; a deleted tenant leaves nothing open."""

import asyncio

import asyncpg

from tests.builders import PATIENCE_S
from tests.e2e.people import Person
from tidemill_contracts.access import AuditEntry
from tidemill_contracts.jobs import JobStatus, SubmitJob
from tidemill_contracts.schedules import MakeSchedule
from tidemill_stack.stack import Stack


async def entry(person: Person, action: str, target: object) -> AuditEntry:
    """The entry once the service's event has come to identity."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = (await person.client.audit(action=action, target=str(target))).items
            if found:
                return found[0]


async def test_what_was_done_at_other_services_is_in_the_trail(ann: Person) -> None:
    order = SubmitJob(processor="noop", value=1)
    schedule = await ann.client.make_schedule(
        MakeSchedule(name="nightly", job=order, cron="0 2 * * *")
    )
    ended = await ann.run(processor="noop")
    await ann.client.delete_job(ended.id)
    running = await ann.client.submit(processor="wait", params={"seconds": 60})
    await ann.client.cancel(running.id, reason="enough", grace_s=0)
    sent = await ann.client.upload(b"a\n1\n", "a.csv")
    await ann.client.delete_dataset((await ann.client.wait_dataset(sent.id)).id)

    found = [
        await entry(ann, "schedule.created", schedule.id),
        await entry(ann, "job.deleted", ended.id),
        await entry(ann, "job.cancelled", running.id),
        await entry(ann, "dataset.deleted", sent.id),
    ]

    assert {(each.actor, each.via, each.outcome) for each in found} == {
        (ann.user.email, "event", "done")
    }
    assert found[2].details == {"reason": "enough"}


async def test_what_was_done_to_a_webhook_is_in_the_trail(ann: Person) -> None:
    hooks = ann.client
    made = await hooks.create_webhook("https://hooks.example.org/secret", description="billing")
    await hooks.change_webhook(made.id, types=["job.*"], enabled=False)
    await hooks.rotate_secret(made.id)
    await hooks.replay_webhook(made.id, "start")
    await hooks.delete_webhook(made.id)

    steps = ("created", "changed", "secret_rotated", "replayed", "deleted")
    found = [await entry(ann, f"webhook.{step}", made.id) for step in steps]

    assert {(each.actor, each.via, each.outcome) for each in found} == {
        (ann.user.email, "event", "done")
    }
    assert {each.details["description"] for each in found} == {"billing"}
    assert found[1].details["changed"] == "types, enabled"
    assert "after" in found[3].details
    assert "hooks.example.org" not in str(found)


async def test_the_work_and_the_data_of_a_deleted_tenant_end(stack: Stack, ann: Person) -> None:
    order = MakeSchedule(name="s", job=SubmitJob(processor="noop"), every=3_600)
    schedule = await ann.client.make_schedule(order)
    job = await ann.client.submit(processor="wait", params={"seconds": 600})
    dataset = await ann.client.upload(b"a\n1\n", "a.csv")

    await ann.client.delete_tenant((await ann.client.tenant()).name)

    owner = await asyncpg.connect(stack.postgres_url())
    async with asyncio.timeout(PATIENCE_S):
        query = "select status from jobs.jobs where id = $1"
        while await owner.fetchval(query, job.id) != JobStatus.CANCELLED.value:
            pass
        query = "select purge_at from ingestion.datasets where id = $1"
        while await owner.fetchval(query, dataset.id) is None:
            pass
    resting = await owner.fetchval("select paused from jobs.schedules where id = $1", schedule.id)
    await owner.close()
    assert resting
