"""Every answer about something that can be followed says from where to follow it."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.e2e.people import Person
from tidemill_contracts.log import Cursor, read_cursor

NOOP = {"processor": "noop", "value": 1}
CSV = b"a,b\n1,2\n"


@pytest.fixture
async def head(ann: Person) -> Cursor:
    """Where the log stood once somebody's first job had ended."""
    job = await ann.run(**NOOP)
    page = (await ann.ask("GET", f"/v1/events?job_id={job.id}")).json()
    return read_cursor(page["items"][-1]["cursor"])


async def test_whatever_tells_of_a_job_tells_its_place(ann: Person, head: Cursor) -> None:
    done = str((await ann.run(**NOOP)).id)
    cron = {"name": "daily", "cron": "0 8 * * *", "job": NOOP}
    schedule = (await ann.ask("POST", "/v1/schedules", json=cron)).json()["id"]

    bodies = [
        body
        async for body in bodies_of(
            ann,
            ("POST", "/v1/jobs", NOOP),
            ("POST", "/v1/jobs/batch", {"jobs": [NOOP, NOOP]}),
            ("POST", f"/v1/jobs/{done}/retry", {}),
            ("POST", "/v1/pipelines/arithmetic/jobs", {"value": 10}),
            ("POST", f"/v1/schedules/{schedule}/run", {}),
            ("POST", f"/v1/jobs/{await waiting(ann)}/cancel", {}),
            ("GET", f"/v1/jobs/{done}", None),
            ("GET", "/v1/jobs?limit=3", None),
        )
    ]

    assert len(bodies) == 11
    check(bodies, head)


async def test_whatever_tells_of_a_dataset_tells_its_place(ann: Person, head: Cursor) -> None:
    file = {"content": CSV, "headers": {"Content-Type": "text/csv"}}
    made = (await ann.ask("POST", "/v1/datasets?name=a.csv", **file)).json()
    order = {"name": "b.csv", "size_bytes": len(CSV)}
    upload = (await ann.ask("POST", "/v1/uploads", json=order)).json()
    await ann.http.put(upload["parts"][0]["uri"], content=CSV)
    complete = ("POST", f"/v1/uploads/{upload['id']}/complete", {})

    bodies = [
        body
        async for body in bodies_of(
            ann,
            complete,
            complete,
            ("PATCH", f"/v1/datasets/{made['id']}", {"name": "c.csv"}),
            ("DELETE", f"/v1/datasets/{made['id']}", None),
            ("POST", f"/v1/datasets/{made['id']}/restore", {}),
            ("GET", f"/v1/datasets/{made['id']}", None),
            ("GET", "/v1/datasets", None),
        )
    ]

    assert len(bodies) == 7
    check([made, *bodies], head)


async def waiting(ann: Person) -> str:
    """A job that has not started."""
    order = NOOP | {"run_at": "2100-01-01T00:00:00Z"}
    return (await ann.ask("POST", "/v1/jobs", json=order)).json()["id"]


async def bodies_of(
    ann: Person, *calls: tuple[str, str, dict[str, Any] | None]
) -> AsyncGenerator[dict[str, Any]]:
    """What these calls answer, one after another; of a list each item."""
    for method, path, order in calls:
        answer = await ann.ask(method, path, **({} if order is None else {"json": order}))
        assert answer.is_success, answer.text
        body = answer.json() if answer.content else {"items": []}
        for each in body.get("items", [body]):
            yield each


def check(bodies: list[dict[str, Any]], head: Cursor) -> None:
    """Each is numbered, and its place is not one from before its service saw the first job end."""
    for body in bodies:
        assert body["seq"] >= 1
        assert read_cursor(body["cursor"]).epoch == head.epoch
