"""Lists through the gateway: newest first, page by page, by their cursors and by their links."""

from typing import Any

import pytest

from tests.e2e.people import Person
from tidemill_contracts.jobs import Job


@pytest.fixture
async def jobs(ann: Person) -> list[Job]:
    """Seven jobs, the newest first, every other one with a label that needs escaping."""
    made = [
        await ann.client.submit(
            processor="noop", value=number, labels={"team": "blue & ü"} if number % 2 else {}
        )
        for number in range(7)
    ]
    return [await ann.ended(job.id) for job in reversed(made)]


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_the_pages_of_a_list_are_the_list(ann: Person, jobs: list[Job], limit: int) -> None:
    seen: list[Any] = []
    cursor: str | None = None
    while cursor or not seen:
        page = await ann.client.jobs(limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        seen += page.items
        cursor = page.next_cursor

    assert [job.id for job in seen] == [job.id for job in jobs]


async def test_the_links_of_a_filtered_list_keep_its_filter(ann: Person, jobs: list[Job]) -> None:
    seen: list[str] = []
    query = {"limit": 1, "label": "team:blue & ü", "status": "succeeded", "processor": "noop"}
    answer = await ann.ask("GET", "/v1/jobs", params=query)
    while answer.links:
        seen += [job["id"] for job in answer.json()["items"]]
        answer = await ann.ask("GET", answer.links["next"]["url"])
    seen += [job["id"] for job in answer.json()["items"]]

    assert seen == [str(job.id) for job in jobs if job.labels]
    assert len(seen) == 3


async def test_the_links_of_datasets_lead_through_all(ann: Person) -> None:
    sent = [await ann.client.upload(b"a\n%d\n" % number, f"{number}.csv") for number in range(3)]

    first = await ann.ask("GET", "/v1/datasets", params={"limit": 2})
    second = await ann.ask("GET", first.links["next"]["url"])

    found = [item["id"] for page in (first, second) for item in page.json()["items"]]
    assert found == [str(each.id) for each in reversed(sent)]
    assert not second.links
