"""Results become datasets, and what came from what is known."""

import io
import json

import polars as pl
import pytest

from tests.e2e.people import Person
from tidemill_client.problems import ApiProblem
from tidemill_contracts.datasets import Dataset, DatasetStatus
from tidemill_contracts.jobs import Job

CITIES = b"city,people,=note\nBern,137980,=1+1\nChur,,-2\n"


@pytest.fixture
async def cities(ann: Person) -> Dataset:
    return await ann.client.wait_dataset((await ann.client.upload(CITIES, "cities.csv")).id)


@pytest.fixture
async def people(ann: Person, cities: Dataset) -> Job:
    """A job that keeps one column of the cities."""
    return await ann.run(
        processor="select_columns", params={"columns": ["people"]}, dataset_id=cities.id
    )


async def test_a_result_becomes_a_dataset_with_one_call(
    ann: Person, cities: Dataset, people: Job
) -> None:
    saved = await ann.client.save_result(people.id, "people", idempotency_key="once")
    again = await ann.client.save_result(people.id, "people", idempotency_key="once")

    ready = await ann.client.wait_dataset(saved.id)
    measured = await ann.run(processor="compute_metrics", dataset_id=saved.id)
    await ann.client.delete_job(people.id)
    content = await ann.client.content(saved.id).value()
    preview = (await ann.ask("GET", f"/v1/datasets/{saved.id}/preview")).json()

    assert again.id == saved.id != cities.id
    assert (ready.status, ready.rows, ready.format) == (DatasetStatus.READY, 2, "parquet")
    assert measured.result
    assert pl.read_parquet(io.BytesIO(content))["people"].to_list() == [137980, None]
    assert preview["rows"] == [{"people": 137980}, {"people": None}]


async def test_the_lineage_leads_both_ways(ann: Person, cities: Dataset, people: Job) -> None:
    saved = await ann.client.wait_dataset((await ann.client.save_result(people.id, "kept")).id)
    reader = await ann.run(processor="compute_metrics", dataset_id=saved.id)

    found = await ann.client.dataset_lineage(saved.id)
    of_job = await ann.client.job_lineage(people.id)

    assert [each.name for each in found.datasets] == ["cities.csv", "kept"]
    assert [each.id for each in found.jobs] == [people.id, reader.id]
    assert [each.dataset_id for each in found.jobs] == [cities.id, saved.id]
    assert found.datasets[1].origin
    assert found.datasets[1].origin.job_id == people.id
    assert found.complete
    assert of_job == found


async def test_only_frames_of_ones_own_become_datasets(
    ann: Person, bob: Person, people: Job
) -> None:
    value = await ann.run(processor="add", params={"amount": 1}, value=1)

    with pytest.raises(ApiProblem) as no_frame:
        await ann.client.save_result(value.id, "value")
    with pytest.raises(ApiProblem) as foreign:
        await bob.client.save_result(people.id, "stolen")
    with pytest.raises(ApiProblem) as nameless:
        await ann.client.save_result(people.id, "\x1b")
    with pytest.raises(ApiProblem) as unseen:
        await bob.client.job_lineage(people.id)

    assert [error.value.code for error in (no_frame, foreign, nameless, unseen)] == [
        "no_frame",
        "job_not_found",
        "name_invalid",
        "job_not_found",
    ]


async def test_a_dataset_comes_in_every_format(ann: Person, cities: Dataset) -> None:
    expected = [
        {"city": "Bern", "people": 137980, "=note": "=1+1"},
        {"city": "Chur", "people": None, "=note": "-2"},
    ]

    got = {
        kind: b"".join(
            [piece async for piece in ann.client.content(cities.id, format=kind).pieces()]
        )
        for kind in ("csv", "json", "ndjson", "parquet")
    }
    safe = await ann.client.content(cities.id, format="csv", safe=True).value()
    link = (
        await ann.ask("GET", f"/v1/datasets/{cities.id}/content?format=csv&redirect=false")
    ).json()
    exports = await ann.client.jobs(processor="export", system=True)

    assert json.loads(got["json"]) == expected
    assert [json.loads(line) for line in got["ndjson"].splitlines()] == expected
    assert pl.read_parquet(io.BytesIO(got["parquet"])).to_dicts() == expected
    assert pl.read_csv(got["csv"]).to_dicts() == expected
    assert safe.decode().splitlines() == ["city,people,'=note", "Bern,137980,'=1+1", "Chur,,'-2"]
    assert link["size_bytes"] == len(got["csv"])
    # each file was made once
    assert len(exports.items) == 4
