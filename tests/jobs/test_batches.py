"""Many jobs in one request: each accepted or refused by itself, none stored twice."""

from typing import Any

import httpx

from tests.e2e.people import Person
from tidemill_contracts.ids import uuid7

FAR_AWAY = "2100-01-01T00:00:00Z"
LATER = {"processor": "noop", "run_at": FAR_AWAY}


async def batch(person: Person, jobs: list[Any], **headers: str) -> httpx.Response:
    return await person.ask("POST", "/v1/jobs/batch", json={"jobs": jobs}, headers=headers)


async def count(person: Person, label: str) -> int:
    params = {"label": label, "limit": "1000"}
    return len((await person.ask("GET", "/v1/jobs", params=params)).json()["items"])


async def test_a_thousand_jobs_are_accepted_in_their_order(ann: Person) -> None:
    jobs = [LATER | {"labels": {"batch": "big", "n": str(n)}} for n in range(1000)]

    answer = await batch(ann, jobs)

    items = answer.json()["items"]
    assert answer.status_code == 202
    assert [item["labels"]["n"] for item in items] == [str(n) for n in range(1000)]
    assert await count(ann, "batch:big") == 1000


async def test_a_bad_job_is_refused_in_its_place_and_hurts_no_other(ann: Person) -> None:
    label = {"labels": {"batch": "mixed"}}
    bad: list[Any] = [
        {"processor": "no-such"},
        {"processor": "noop", "priority": "high"},
        {"processor": "noop", "labels": {"a": "\0"}},
        {"processor": "noop", "unknown": 1},
        {"processor": "add", "params": {"amount": "x"}, "value": 1},
        {"processor": "noop", "dataset_id": str(uuid7())},
        {},
    ]
    jobs = [job for each in bad for job in (LATER | label, each)]

    items = (await batch(ann, jobs)).json()["items"]

    assert [item["status"] for item in items[::2]] == ["scheduled"] * len(bad)
    assert [item["code"] for item in items[1::2]] == [
        "processor_unknown",
        "bad_request",
        "unstorable",
        "bad_request",
        "params_invalid",
        "dataset_not_found",
        "steps_ambiguous",
    ]
    assert items[3]["errors"] == [{"field": "priority", "message": "Expected `int`, got `str`"}]
    assert await count(ann, "batch:mixed") == len(bad)


async def test_a_batch_that_is_sent_again_with_its_key_stores_nothing_twice(ann: Person) -> None:
    jobs = [LATER | {"labels": {"batch": "again", "n": str(n)}} for n in range(20)]
    key = {"Idempotency-Key": uuid7().hex}
    first = await batch(ann, jobs, **key)

    again = await batch(ann, jobs, **key)
    other = await batch(ann, jobs[:19], **key)

    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await count(ann, "batch:again") == 20


async def test_a_batch_of_the_wrong_size_is_refused_whole(ann: Person) -> None:
    label = LATER | {"labels": {"batch": "size"}}

    answers = [await batch(ann, [label] * n) for n in (0, 1001)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert [answer.json()["errors"][0]["field"] for answer in answers] == ["jobs", "jobs"]
    assert await count(ann, "batch:size") == 0


async def test_a_batch_may_be_larger_than_other_bodies_but_not_without_end(ann: Person) -> None:
    text = "x" * 40_000

    large = await batch(ann, [LATER | {"value": text}] * 300)
    too_large = await batch(ann, [LATER | {"value": text}] * 450)

    assert large.status_code == 202
    assert [item["status"] for item in large.json()["items"]] == ["scheduled"] * 300
    assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")
