"""Deleting jobs: what is gone, what stays, and what is left for the collector."""

from collections.abc import AsyncGenerator
from uuid import UUID

import asyncpg
import pytest

from tests.e2e.people import Person
from tidemill_contracts.ids import uuid7
from tidemill_stack.stack import Stack

FAR_AWAY = "2100-01-01T00:00:00Z"
TABLES = {"jobs": "id", "tasks": "job_id", "attempts": "job_id", "job_facets": "job_id"}


@pytest.fixture
async def tables(stack: Stack) -> AsyncGenerator[asyncpg.Connection]:
    settings = {"search_path": "jobs"}
    connection = await asyncpg.connect(stack.postgres_url(), server_settings=settings)
    yield connection
    await connection.close()


async def an_ended_job(person: Person) -> UUID:
    return (await person.run(processor="add", value=1, params={"amount": 2})).id


async def test_a_deleted_job_is_gone_everywhere(ann: Person, tables: asyncpg.Connection) -> None:
    job_id = await an_ended_job(ann)

    answer = await ann.ask("DELETE", f"/v1/jobs/{job_id}")

    paths = ("", "/events", "/attempts", "/result", "/steps/add/result")
    after = [(await ann.ask("GET", f"/v1/jobs/{job_id}{path}")).status_code for path in paths]
    counted = f"select count(*) from {{}} where {{}} = '{job_id}'"
    left = [await tables.fetchval(counted.format(*table)) for table in TABLES.items()]
    listed = [job.id for job in (await ann.client.jobs(processor="add")).items]
    assert (answer.status_code, answer.content) == (204, b"")
    assert after == [404] * len(paths)
    assert left == [0] * len(TABLES)
    assert job_id not in listed


async def test_a_deleted_jobs_events_stay_in_the_log(ann: Person) -> None:
    job_id = await an_ended_job(ann)
    await ann.client.delete_job(job_id)

    kept = [item async for item in ann.client.events(job_id=job_id)]

    assert len(kept) > 0


async def test_a_deleted_jobs_objects_wait_for_the_collector(
    ann: Person, tables: asyncpg.Connection
) -> None:
    job_id = await an_ended_job(ann)
    await ann.client.delete_job(job_id)

    row = await tables.fetchrow("select tenant_id, prefix from garbage where job_id = $1", job_id)

    assert row is not None
    assert row["prefix"] == f"{row['tenant_id']}/{job_id}/"


async def test_a_job_that_has_not_ended_cannot_be_deleted(ann: Person) -> None:
    order = {"processor": "noop", "run_at": FAR_AWAY}
    job_id = (await ann.ask("POST", "/v1/jobs", json=order)).json()["id"]

    answer = await ann.ask("DELETE", f"/v1/jobs/{job_id}")

    assert (answer.status_code, answer.json()["code"]) == (409, "job_not_finished")
    assert (await ann.ask("GET", f"/v1/jobs/{job_id}")).status_code == 200


async def test_deleting_what_is_not_there_or_not_yours_is_404(ann: Person, bob: Person) -> None:
    theirs = await an_ended_job(bob)

    answers = [await ann.ask("DELETE", f"/v1/jobs/{each}") for each in (theirs, uuid7())]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert (await bob.client.job(theirs)).id == theirs


async def test_a_second_delete_finds_nothing(ann: Person) -> None:
    job_id = await an_ended_job(ann)
    await ann.client.delete_job(job_id)

    answer = await ann.ask("DELETE", f"/v1/jobs/{job_id}")

    assert answer.status_code == 404


async def test_the_systems_own_jobs_are_kept(ann: Person) -> None:
    dataset = await ann.client.upload(b"a\n1\n", "a.csv")
    await ann.client.wait_dataset(dataset.id)
    ingest = (await ann.client.jobs(system=True, limit=1)).items[0]

    answer = await ann.ask("DELETE", f"/v1/jobs/{ingest.id}")

    assert (answer.status_code, answer.json()["code"]) == (409, "kept_for_its_dataset")


async def test_a_pipeline_is_stored_once_for_its_key(ann: Person) -> None:
    name, key = f"p-{uuid7().hex[-12:]}", {"Idempotency-Key": uuid7().hex}
    order = {"name": name, "steps": [{"processor": "noop"}]}
    first = await ann.ask("POST", "/v1/pipelines", json=order, headers=key)

    again = await ann.ask("POST", "/v1/pipelines", json=order, headers=key)
    other = await ann.ask("POST", "/v1/pipelines", json=order | {"summary": "x"}, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["location"] == f"/v1/pipelines/{name}"
    assert (first.content, again.headers["idempotent-replayed"]) == (again.content, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
