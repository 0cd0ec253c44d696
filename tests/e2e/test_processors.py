"""The small tasks: reversed strings, random numbers, tags for posts."""

import json
from typing import Any

import pytest

from tests.e2e.people import Person
from tidemill_contracts.jobs import JobStatus, StepSpec

POSTS = """id,author,body
1,ann,"Event driven systems talk through events. Events, events everywhere."
2,bob,"A broker keeps events; a database keeps jobs."
3,cy,"Größe zählt: die Größe der Datenbank"
4,dee,
5,eve,"No words of the vocabulary in here"
""".encode()
VOCABULARY = ["events", "database", "broker", "Größe"]


@pytest.mark.parametrize(
    ("text", "backwards"),
    [
        ("Tidemill", "llimediT"),
        ("", ""),
        ("a", "a"),
        ("Straße", "eßartS"),
        ("noe\u0301l", "le\u0301on"),
        ("日本語", "語本日"),
        ("שלום", "םולש"),
        ("ok 👩‍👩‍👧 👍🏽", "👍🏽 👩‍👩‍👧 ko"),
        ('quote " and \\ and \n', '\n dna \\ dna " etouq'),
        ("x" * 50_000 + "y", "y" + "x" * 50_000),
    ],
)
async def test_a_string_comes_back_reversed(ann: Person, text: str, backwards: str) -> None:
    job = await ann.run(processor="reverse_string", value=text)

    assert job.status is JobStatus.SUCCEEDED
    assert await ann.client.result(job.id) == backwards


@pytest.mark.parametrize(
    ("params", "low", "high", "kind"),
    [
        ({}, 0, 100, int),
        ({"minimum": 7, "maximum": 7}, 7, 7, int),
        ({"minimum": -5, "maximum": 5}, -5, 5, int),
        ({"minimum": 0.5, "maximum": 0.75}, 0.5, 0.75, float),
        ({"minimum": 10**20, "maximum": 10**21}, 10**20, 10**21, int),
    ],
)
async def test_a_random_number_lies_in_its_range(
    ann: Person, params: dict[str, Any], low: float, high: float, kind: type
) -> None:
    steps = [
        StepSpec(processor="random_number", params=params, name=f"draw-{n}", needs=[])
        for n in range(5)
    ]

    job = await ann.run(steps=steps)
    drawn = [await ann.client.result(job.id, step=step.name) for step in job.steps]

    assert all(low <= number <= high for number in drawn)
    assert {type(number) for number in drawn} == {kind}


@pytest.mark.parametrize(
    ("params", "tags"),
    [
        (
            {"column": "body", "vocabulary": VOCABULARY},
            [["events"], ["events", "database", "broker"], ["Größe"], None, []],
        ),
        (
            {"column": "body", "vocabulary": VOCABULARY, "top": 1},
            [["events"], ["events"], ["Größe"], None, []],
        ),
    ],
)
async def test_posts_get_tags_of_a_vocabulary(
    ann: Person, params: dict[str, Any], tags: list[list[str] | None]
) -> None:
    dataset = await ann.client.upload(POSTS, "posts.csv")

    job = await ann.run(processor="tag_posts", params=params, dataset_id=dataset.id)
    rows = json.loads(await download(ann, job.id))

    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["tags"] for row in rows] == tags


async def test_posts_get_their_own_keywords_without_a_vocabulary(ann: Person) -> None:
    dataset = await ann.client.upload(POSTS, "posts.csv")
    params = {"column": "body", "top": 2}

    job = await ann.run(processor="tag_posts", params=params, dataset_id=dataset.id)
    rows = json.loads(await download(ann, job.id))

    assert rows[0]["tags"][0] == "events"
    assert rows[1]["tags"][0] == "keeps"
    assert rows[2]["tags"][0] == "größe"
    assert rows[3]["tags"] is None


async def test_every_listed_processor_says_what_it_takes_and_gives(ann: Person) -> None:
    known = {each.name: each for each in await ann.client.processors()}

    assert {"add", "multiply", "subtract", "reverse_string", "random_number"} <= set(known)
    assert {"normalize", "detect_anomalies", "compute_metrics", "tag_posts"} <= set(known)
    assert all(each.summary and each.params_schema for each in known.values())


async def download(person: Person, job_id: Any) -> bytes:
    output = person.client.output(job_id, format="json")
    return b"".join([piece async for piece in output.pieces()])
