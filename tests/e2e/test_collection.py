"""What nobody needs any more is collected, and nothing else."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from asyncpg import connect

from tests.builders import PATIENCE_S
from tests.e2e.conftest import Register
from tests.e2e.people import Person, signed_anew
from tidemill_contracts.datasets import IngestOptions
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import StepSpec
from tidemill_kit.objects import Objects
from tidemill_kit.settings import Settings, load
from tidemill_stack.stack import Stack

DATASETS, RESULTS = "tidemill-datasets", "tidemill-results"


@pytest.fixture
async def store(stack: Stack) -> AsyncGenerator[Objects]:
    """The object store with all rights."""
    key = stack.credentials.s3["admin"]
    env = stack.env("ingestion")
    env |= {"TM_S3_ACCESS_KEY": key.access_key, "TM_S3_SECRET_KEY": key.secret_key}
    async with Objects.open(load(Settings, env)) as opened:
        yield opened


@pytest.fixture
async def eve(stack: Stack, register: Register) -> Person:
    return await register(stack)


async def below(store: Objects, bucket: str, prefix: str) -> list[str]:
    return [each.key async for page in store.below(bucket, prefix) for each in page]


async def collected(stack: Stack, person: Person, *, dry_run: bool) -> Any:
    """The report of a collection that the system's administrator asked for."""
    token = signed_anew(stack, person.tokens.access_token, system_admin=True)
    headers = {"Authorization": f"Bearer {token}"}
    began = await person.ask("POST", "/v1/gc", json={"dry_run": dry_run}, headers=headers)
    assert began.status_code == 202, began.text
    async with asyncio.timeout(PATIENCE_S):
        while True:
            report = await person.ask("GET", began.headers["location"], headers=headers)
            if report.json()["finished_at"]:
                return report.json()


async def test_only_the_systems_administrator_collects(ann: Person) -> None:
    answers = [await ann.ask("POST", "/v1/gc", json={}), await ann.ask("GET", "/v1/gc")]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_what_nobody_needs_is_collected_and_nothing_else(
    stack: Stack, eve: Person, store: Objects
) -> None:
    kept, gone = [
        await eve.client.wait_dataset((await eve.client.upload(content, "a.csv")).id)
        for content in (b"a,b\n1,2\n3,4\n", b"a,b\n5,6\n7,8\n")
    ]
    jobs = [await eve.run(dataset_id=kept.id, processor="normalize") for _ in range(2)]
    tenant = str(eve.user.tenant_id)
    orphans = [(DATASETS, f"{eve.user.tenant_id.hex}/{uuid7().hex}/raw")]
    orphans += [(RESULTS, f"{tenant}/{uuid7()}/1-x/s/part-00000.parquet")]
    for bucket, key in orphans:
        await store.put_bytes(bucket, key, b"lost")
    before = await below(store, RESULTS, f"{tenant}/")

    await eve.client.delete_job(jobs[0].id)
    await eve.client.delete_dataset(gone.id, purge=True)
    await purged(stack, gone.id)
    looked = await collected(stack, eve, dry_run=True)
    untouched = await below(store, RESULTS, f"{tenant}/")
    report = await collected(stack, eve, dry_run=False)
    left = await below(store, RESULTS, f"{tenant}/")
    again = await collected(stack, eve, dry_run=True)

    assert report["error"] is None
    assert not {"deleted_results", "orphaned_results"} & set(again["found"])
    assert set(looked["found"]) >= {"deleted_results", "expired_results", "orphaned_results"}
    assert untouched == before
    assert not any(key.startswith(f"{tenant}/{jobs[0].id}/") for key in left)
    assert any(key.startswith(f"{tenant}/{jobs[1].id}/") for key in left)
    assert {key for _, key in orphans}.isdisjoint(left)
    assert len(await below(store, DATASETS, eve.user.tenant_id.hex)) == 1
    assert (await eve.ask("GET", f"/v1/datasets/{kept.id}/profile")).status_code == 200
    assert await eve.client.result(jobs[1].id)


async def test_a_saved_dataset_outlives_its_job_and_its_purge_takes_its_exports(
    stack: Stack, eve: Person, store: Objects
) -> None:
    source = await eve.client.wait_dataset((await eve.client.upload(b"a,b\n1,2\n", "a")).id)
    job = await eve.run(dataset_id=source.id, processor="select_columns", params={"columns": ["a"]})
    saved = await eve.client.wait_dataset((await eve.client.save_result(job.id, "kept")).id)
    await eve.client.content(saved.id, format="csv").value()
    (adoption,) = (await eve.client.jobs(processor="adopt", system=True)).items
    results = f"{eve.user.tenant_id}/"

    await eve.client.delete_job(job.id)
    await collected(stack, eve, dry_run=False)
    left = await below(store, RESULTS, f"{results}{job.id}/")
    content = await eve.client.content(saved.id).value()
    await eve.client.delete_dataset(saved.id, purge=True)
    await purged(stack, saved.id)
    exports = await eve.client.jobs(processor="export", system=True)
    await collected(stack, eve, dry_run=False)

    assert left == []
    assert content[:4] == b"PAR1"
    assert exports.items == []
    assert await below(store, RESULTS, f"{results}{adoption.id}/") == []


async def test_a_table_that_was_replaced_goes_after_the_retention_and_its_readers(
    stack: Stack, eve: Person, store: Objects
) -> None:
    dataset = await eve.client.wait_dataset((await eve.client.upload(b"a,b\n1,2\n", "a")).id)
    (former,) = (await eve.client.jobs(processor="ingest", system=True)).items
    steps = [StepSpec(processor="wait", params={"seconds": 600}), StepSpec(processor="normalize")]
    reader = await eve.client.submit(dataset_id=dataset.id, steps=steps)
    await eve.client.ingest_again(dataset.id, IngestOptions(header=False))
    await eve.client.wait_dataset(dataset.id)
    tenant = f"{eve.user.tenant_id}/"
    before = await below(store, RESULTS, tenant)

    reports = [await collected(stack, eve, dry_run=True)]
    async with a_month_later(stack, eve.user.tenant_id):
        reports.append(await collected(stack, eve, dry_run=True))
        await eve.client.cancel(reader.id, grace_s=0)
        await eve.ended(reader.id)
        reports.append(await collected(stack, eve, dry_run=True))
        untouched = await below(store, RESULTS, tenant)
        reports.append(await collected(stack, eve, dry_run=False))
        left = await below(store, RESULTS, tenant)

    prefix = f"{tenant}{former.id}/"
    found = [report["found"].get("replaced_results", {"examples": []}) for report in reports]
    assert [prefix in heap["examples"] for heap in found] == [False, False, True, True]
    assert untouched == before
    assert set(before) - set(left) == {key for key in before if key.startswith(prefix)}
    assert await eve.client.content(dataset.id, format="csv").value()
    assert (await eve.ask("GET", f"/v1/datasets/{dataset.id}/preview")).status_code == 200


async def test_what_is_gone_or_changed_in_the_store_is_never_shown_as_right(
    eve: Person, store: Objects
) -> None:
    dataset = await eve.client.wait_dataset((await eve.client.upload(b"a,b\n1,2\n", "a")).id)
    job = await eve.run(dataset_id=dataset.id, processor="normalize")
    results = await below(store, RESULTS, f"{eve.user.tenant_id}/")
    await store.delete_all(RESULTS, [key for key in results if f"/{job.id}/" in key])
    (profile,) = (key for key in results if key.endswith("profile.json"))
    await store.put_bytes(RESULTS, profile, b"{}")

    answers = [
        await eve.ask("GET", path)
        for path in (f"/v1/jobs/{job.id}/result", f"/v1/datasets/{dataset.id}/profile")
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (410, "result_gone"),
        (502, "artifact_damaged"),
    ]


async def purged(stack: Stack, dataset_id: UUID) -> None:
    """Wait until the jobs service has heard of it."""
    connection = await connect(stack.postgres_url())
    query = "select count(*) from jobs.datasets where id = $1"
    async with asyncio.timeout(PATIENCE_S):
        while await connection.fetchval(query, dataset_id):
            pass
    await connection.close()


@asynccontextmanager
async def a_month_later(stack: Stack, tenant_id: UUID) -> AsyncGenerator[None]:
    """As if the retention of what the tenant's jobs gave were over; their log says otherwise."""
    connection = await connect(stack.postgres_url())
    mine = "where tenant_id = $1 and finished_at"
    change = "update jobs.jobs set finished_at = finished_at"
    await connection.execute(f"{change} - interval '31 days' {mine} < now()", tenant_id)
    yield
    back = f"{change} + interval '31 days' {mine} < now() - interval '30 days'"
    await connection.execute(back, tenant_id)
    await connection.close()


async def test_the_usage_is_told(eve: Person) -> None:
    await eve.client.upload(b"a\n1\n", "a.csv")

    usage = await eve.client.usage()

    assert usage.storage_bytes.used == 4
    assert usage.datasets.used == 1
    assert usage.open_jobs is not None
