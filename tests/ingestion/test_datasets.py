"""Datasets over HTTP: listed, shown, renamed, deleted, and never to another tenant."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

type SignIn = Callable[..., Awaitable[Any]]


async def test_a_dataset_is_shown_with_a_cursor(ann: Any, uploaded: dict[str, Any]) -> None:
    answer = await ann.http.get(f"/v1/datasets/{uploaded['id']}")

    shown = answer.json()
    assert answer.status_code == 200
    assert (shown["name"], shown["seq"]) == ("a.csv", 2)
    assert shown["cursor"].count(".") == 1


async def test_the_newest_come_first_page_by_page(sign_in: SignIn) -> None:
    caller = await sign_in()
    made = [
        (await caller.http.post(f"/v1/datasets?name={number}", content=b"x")).json()["id"]
        for number in range(5)
    ]

    found: list[str] = []
    path: str | None = "/v1/datasets?limit=2"
    while path:
        answer = await caller.http.get(path)
        found += [item["id"] for item in answer.json()["items"]]
        link = answer.headers.get("link")
        path = link.partition("<")[2].partition(">")[0] if link else None

    assert found == made[::-1]


async def test_a_list_can_be_narrowed_to_a_status(sign_in: SignIn) -> None:
    caller = await sign_in()
    await caller.http.post("/v1/datasets?name=a", content=b"x")

    ready = (await caller.http.get("/v1/datasets?status=ready")).json()
    validating = (await caller.http.get("/v1/datasets?status=validating")).json()

    assert ready == {"items": [], "next_cursor": None}
    assert len(validating["items"]) == 1


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=x", "status=x"])
async def test_a_bad_question_is_named(ann: Any, query: str) -> None:
    answer = await ann.http.get(f"/v1/datasets?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_a_format_that_there_is_not_is_named(ann: Any, uploaded: dict[str, Any]) -> None:
    answer = await ann.http.get(f"/v1/datasets/{uploaded['id']}/content?format=xlsx")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "format")


async def test_name_and_labels_can_change(ann: Any, uploaded: dict[str, Any]) -> None:
    path = f"/v1/datasets/{uploaded['id']}"

    named = await ann.http.patch(path, json={"name": "b/c.csv"})
    labelled = await ann.http.patch(path, json={"labels": {"a": "1"}})

    assert named.json()["name"] == "b-c.csv"
    assert (labelled.json()["name"], labelled.json()["labels"]) == ("b-c.csv", {"a": "1"})
    assert labelled.json()["updated_at"] > uploaded["updated_at"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b'{"size_bytes": 1}', 400, "bad_request"),
        (b'{"name": ""}', 400, "bad_request"),
        (b'{"name": 5}', 400, "bad_request"),
        (b'{"labels": {"a": 1}}', 400, "bad_request"),
        (b'{"name": "\\u0000\\u202e"}', 422, "name_invalid"),
        (b'{"labels": {"a": "\\u0000"}}', 422, "labels_invalid"),
    ],
)
async def test_a_bad_change_changes_nothing(
    ann: Any,
    uploaded: dict[str, Any],
    body: bytes,
    status: int,
    code: str,
) -> None:
    path = f"/v1/datasets/{uploaded['id']}"

    answer = await ann.http.patch(path, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await ann.http.get(path)).json()["name"] == uploaded["name"]


async def test_a_deleted_dataset_is_gone(ann: Any, uploaded: dict[str, Any]) -> None:
    path = f"/v1/datasets/{uploaded['id']}"

    first = await ann.http.delete(path)
    second = await ann.http.delete(path)

    assert (first.status_code, second.status_code) == (204, 404)
    assert (await ann.http.get(path)).json()["code"] == "dataset_not_found"
    listed = (await ann.http.get("/v1/datasets?limit=1000")).json()["items"]
    assert uploaded["id"] not in [item["id"] for item in listed]


@pytest.mark.parametrize("part", ["preview", "profile", "rejects", "content?format=parquet"])
async def test_what_ingest_makes_is_not_there_before_it(
    ann: Any,
    uploaded: dict[str, Any],
    part: str,
) -> None:
    answer = await ann.http.get(f"/v1/datasets/{uploaded['id']}/{part}")

    assert (answer.status_code, answer.json()["code"]) == (409, "dataset_not_ready")


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/events"),
        ("GET", "/preview"),
        ("GET", "/profile"),
        ("GET", "/rejects"),
        ("GET", "/content"),
    ],
)
async def test_a_foreign_dataset_looks_unknown(
    bob: Any,
    uploaded: dict[str, Any],
    method: str,
    part: str,
) -> None:
    body = {"json": {"name": "mine"}} if method == "PATCH" else {}

    foreign = await bob.http.request(method, f"/v1/datasets/{uploaded['id']}{part}", **body)
    unknown = await bob.http.request(method, f"/v1/datasets/{uuid4()}{part}", **body)

    assert (foreign.status_code, foreign.json()["code"]) == (404, "dataset_not_found")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "dataset_not_found")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_viewer_changes_nothing(sign_in: SignIn, method: str) -> None:
    viewer = await sign_in("viewer")
    body = {"json": {"name": "mine"}} if method == "PATCH" else {}

    answer = await viewer.http.request(method, f"/v1/datasets/{uuid4()}", **body)

    assert answer.status_code == 403


async def test_the_database_shows_a_caller_no_foreign_row(
    ingestion: Any,
    ann: Any,
    bob: Any,
    uploaded: dict[str, Any],
) -> None:
    database = ingestion.app.state.database
    assert uploaded

    async def seen(tenant_id: str) -> tuple[set[str], set[str]]:
        async with database.on_behalf_of(tenant_id) as connection:
            rows = await connection.scalars(text("select tenant_id::text from datasets"))
            events = await connection.scalars(text("select tenant_id::text from events"))
            return set(rows), set(events)

    for _ in range(3):
        for caller in (ann, bob):
            rows, events = await seen(caller.tenant_id)

            assert rows | events <= {caller.tenant_id}
