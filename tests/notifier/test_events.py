"""The log over HTTP: pages, and server-sent events."""

import asyncio
from typing import Any

import pytest

from tests.builders import PATIENCE_S

UNKNOWN = "01a200dd-d554-79f2-8ace-ba0498e0cfb1"


def jobs_in(page: Any) -> list[str]:
    return [item["event"]["job_id"] for item in page["items"]]


class Lines:
    """Server-sent events as they come."""

    def __init__(self, response: Any) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        """The next event; comments are passed over."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if line == "" and found:
                    return found
                name, _, value = line.partition(": ")
                if name:
                    found[name] = value
        raise EOFError


@pytest.fixture
def stream(ann: Any, stack: Any) -> Any:
    """Opens an event stream."""

    def opening(path: str = "", *, token: str | None = None, **headers: str) -> Any:
        bearer = {"Authorization": f"Bearer {token or ann.token()}"}
        accept = {"Accept": "text/event-stream"}
        url = f"{stack.urls['notifier']}/v1/events{path}"
        return ann.http.stream("GET", url, headers=bearer | accept | headers)

    return opening


async def test_pages_are_oldest_first_and_complete(ann: Any, bob: Any, published: Any) -> None:
    submitted = await published(ann, 7)
    await published(bob, 2)

    first = (await ann.get("/v1/events?limit=5")).json()
    second = (await ann.get(f"/v1/events?limit=5&after={first['next_cursor']}")).json()

    assert (len(first["items"]), len(second["items"])) == (5, 2)
    assert sorted(jobs_in(first) + jobs_in(second)) == sorted(submitted)
    assert first["next_cursor"] == first["items"][-1]["cursor"]
    assert second["next_cursor"] is None


async def test_a_page_links_to_the_next(ann: Any, published: Any) -> None:
    await published(ann, 3)

    answer = await ann.get("/v1/events?limit=2&types=job.*")
    following = await ann.get(answer.headers["Link"].partition("<")[2].partition(">")[0])

    assert len(following.json()["items"]) == 1


async def test_a_page_of_one_job(ann: Any, bob: Any, published: Any) -> None:
    mine, other = (await published(ann))[0], (await published(bob))[0]
    await published(ann, 2)

    page = (await ann.get(f"/v1/events?job_id={mine}")).json()
    foreign = await ann.get(f"/v1/events?job_id={other}")
    unknown = await ann.get(f"/v1/events?dataset_id={UNKNOWN}")

    assert jobs_in(page) == [mine]
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert unknown.status_code == 404


async def test_types_are_separated_by_commas(ann: Any, published: Any) -> None:
    await published(ann, 2)

    some = (await ann.get("/v1/events?types=job.submitted,dataset.*")).json()
    none = (await ann.get("/v1/events?types=dataset.*")).json()

    assert (len(some["items"]), len(none["items"])) == (2, 0)


@pytest.mark.parametrize("after", ["x", "{epoch}.99999999", "99.1"])
async def test_a_cursor_that_cannot_be_is_refused(ann: Any, published: Any, after: str) -> None:
    await published(ann)
    epoch = (await ann.get("/v1/events")).json()["items"][0]["cursor"].partition(".")[0]

    answer = await ann.get(f"/v1/events?after={after.format(epoch=epoch)}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


async def test_without_a_token_there_are_no_events(stack: Any, http: Any) -> None:
    answer = await http.get(f"{stack.urls['notifier']}/v1/events")

    assert answer.status_code == 401


async def test_an_event_stream_goes_on_for_ever(ann: Any, stream: Any) -> None:
    first = (await ann.submit())[0]

    async with stream("?after=start") as response:
        lines = Lines(response)
        old = await lines.next()
        second = (await ann.submit())[0]
        new = await lines.next()

    assert response.headers["content-type"].startswith("text/event-stream")
    assert old["event"] == "job.submitted"
    assert (first in old["data"], second in new["data"]) == (True, True)


async def test_an_event_stream_resumes_behind_its_last_event(ann: Any, stream: Any) -> None:
    jobs = await ann.submit(3)
    async with stream("?after=start") as response:
        seen = await Lines(response).next()

    async with stream(**{"Last-Event-ID": seen["id"]}) as response:
        lines = Lines(response)
        rest = [await lines.next(), await lines.next()]

    found = [job for job in jobs for event in [seen, *rest] if job in event["data"]]
    assert sorted(found) == sorted(jobs)


async def test_an_event_stream_ends_with_its_token(ann: Any, stream: Any) -> None:
    async with stream(token=ann.token(seconds=2)) as response:
        with pytest.raises(EOFError):
            await Lines(response).next()
