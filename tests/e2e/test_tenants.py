"""A second tenant sees nothing of the first."""

import pytest

from tests.e2e.conftest import Register
from tests.e2e.people import Person, listening, types, until, until_ended
from tidemill_contracts.datasets import Dataset, DatasetReady
from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import JobSucceeded
from tidemill_contracts.jobs import Job
from tidemill_stack.stack import Stack


@pytest.fixture(scope="module")
async def ann(stack: Stack, register: Register) -> Person:
    return await register(stack)


@pytest.fixture(scope="module")
async def dataset(ann: Person) -> Dataset:
    sent = await ann.client.upload(b"a,b\n1,2\n", "secret.csv")
    return await ann.client.wait_dataset(sent.id)


@pytest.fixture(scope="module")
async def job(ann: Person) -> Job:
    return await ann.run(processor="reverse_string", value="secret")


JOB_CALLS = [
    ("GET", ""),
    ("GET", "/events"),
    ("GET", "/attempts"),
    ("GET", "/logs"),
    ("GET", "/result"),
    ("GET", "/steps/reverse_string/result"),
    ("POST", "/cancel"),
]
DATASET_CALLS = [
    ("GET", ""),
    ("GET", "/events"),
    ("GET", "/content"),
    ("GET", "/preview"),
    ("GET", "/profile"),
    ("GET", "/rejects"),
    ("PATCH", ""),
    ("DELETE", ""),
]


@pytest.mark.parametrize(("method", "path"), JOB_CALLS)
async def test_a_foreign_job_looks_like_none(bob: Person, job: Job, method: str, path: str) -> None:
    foreign = await bob.ask(method, f"/v1/jobs/{job.id}{path}")
    unknown = await bob.ask(method, f"/v1/jobs/{uuid7()}{path}")

    assert (foreign.status_code, foreign.json()["code"]) == (404, "job_not_found")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize(("method", "path"), DATASET_CALLS)
async def test_a_foreign_dataset_looks_like_none(
    bob: Person, dataset: Dataset, method: str, path: str
) -> None:
    body = {"json": {"name": "mine"}} if method == "PATCH" else {}

    foreign = await bob.ask(method, f"/v1/datasets/{dataset.id}{path}", **body)
    unknown = await bob.ask(method, f"/v1/datasets/{uuid7()}{path}", **body)

    assert (foreign.status_code, foreign.json()["code"]) == (404, "dataset_not_found")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "dataset_not_found")


async def test_no_job_runs_on_a_foreign_dataset(bob: Person, dataset: Dataset) -> None:
    order = {"processor": "compute_metrics", "dataset_id": str(dataset.id)}

    answer = await bob.ask("POST", "/v1/jobs", json=order)

    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")


@pytest.mark.usefixtures("job", "dataset")
async def test_lists_and_logs_show_only_the_tenants_own(bob: Person) -> None:
    own = await bob.run(processor="noop", value=1)

    jobs = [each.id for each in (await bob.client.jobs()).items]
    logged = (await bob.ask("GET", "/v1/events", params={"types": "job.*,dataset.*"})).json()
    asked = await bob.ask("GET", "/v1/events", params={"job_id": str(uuid7())})

    assert jobs == [own.id]
    assert (await bob.client.datasets()).items == []
    assert {each["event"]["job_id"] for each in logged["items"]} == {str(own.id)}
    assert (asked.status_code, asked.json()["code"]) == (404, "not_found")


async def test_a_subscription_to_a_foreign_thing_is_not_found(
    stack: Stack, bob: Person, job: Job, dataset: Dataset
) -> None:
    async with listening(stack, bob.tokens.access_token) as listener:
        for topic in (f"job.{job.id}", f"dataset.{dataset.id}", f"job.{uuid7()}"):
            await listener.say(op="subscribe", id=topic, topics=[topic], since="start")
            refused = (await listener.until("error"))[-1]

            assert (refused["code"], refused["id"]) == ("not_found", topic)
        await listener.say(op="subscribe", id="s", topics=["all"])

        assert (await listener.until("live"))[-1]["id"] == "s"


async def test_live_events_go_to_their_tenant_alone(ann: Person, bob: Person) -> None:
    async with ann.client.live("all") as anns, bob.client.live("all") as bobs:
        secret = await ann.client.submit(processor="noop", value="secret")
        await until_ended(anns, secret.id)
        sent = await ann.client.upload(b"a\n1\n", "secret.csv")
        await until(anns, DatasetReady, of=sent.id)
        own = await bob.client.submit(processor="noop", value=2)
        events = await until(bobs, JobSucceeded)

    assert {each.event.key for each in events} == {own.id}
    assert types(events)[0] == "job.submitted"
