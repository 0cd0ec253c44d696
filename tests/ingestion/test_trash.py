"""Deleted datasets: restored, purged, and what becomes of bytes that several share."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.builders import PATIENCE_S
from tests.ingestion.test_uploads import listed, stored
from tidemill_contracts.datasets import DatasetRestored, DatasetStatus, Origin
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.lineage import RegisterDataset, SaveResult
from tidemill_ingestion import lifecycle, trash
from tidemill_ingestion.lifecycle import StoredDataset
from tidemill_kit.storage import Storage

type StartIngestion = Callable[..., Awaitable[Any]]
type SignIn = Callable[..., Awaitable[Any]]


async def upload(caller: Any, content: bytes, **query: str) -> dict[str, Any]:
    answer = await caller.http.post("/v1/datasets", params=query, content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def erased(store: Storage, tenant_id: str, *, left: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(await stored(store, tenant_id)) != left:
            pass


async def test_a_deleted_dataset_can_be_restored(sign_in: SignIn) -> None:
    caller = await sign_in()
    made = await upload(caller, b"a\n1\n")
    path = f"/v1/datasets/{made['id']}"

    await caller.http.delete(path)
    away = await caller.http.get(path)
    trash = (await caller.http.get("/v1/datasets?status=deleted")).json()["items"]
    answer = await caller.http.post(f"{path}/restore")

    assert away.status_code == 404
    assert [each["id"] for each in trash] == [made["id"]]
    assert trash[0]["restorable_until"] > trash[0]["updated_at"]
    assert (answer.status_code, answer.json()["status"]) == (200, "validating")
    assert [each["id"] for each in await listed(caller)] == [made["id"]]
    told = (await caller.http.get(f"{path}/events")).json()["items"]
    assert [event["type"] for event in told][2:] == [
        "dataset.deleted",
        "dataset.restored",
        "dataset.uploaded",
    ]


def saved_from_a_result() -> StoredDataset:
    asked = RegisterDataset(
        tenant_id=uuid7(),
        user_id=uuid7(),
        order=SaveResult(name="kept"),
        origin=Origin(uuid7(), "a"),
        size_bytes=1,
        key=None,
    )
    return lifecycle.register(asked, "kept", {}, now())[0]


def test_a_dataset_that_is_being_saved_from_a_result_has_no_upload_to_tell_of_again() -> None:
    saved = saved_from_a_result()
    gone, _ = trash.delete(saved, now(), 60, uuid7())

    back, told = trash.restore(gone, now())

    assert back.status is DatasetStatus.VALIDATING
    assert [type(event) for event in told] == [DatasetRestored]


async def test_only_what_is_in_the_trash_is_restored(sign_in: SignIn) -> None:
    caller = await sign_in()
    kept, gone = [await upload(caller, content) for content in (b"1", b"2")]
    await caller.http.delete(f"/v1/datasets/{gone['id']}?purge=true")

    answers = [
        await caller.http.post(f"/v1/datasets/{each['id']}/restore") for each in (kept, gone)
    ]

    assert [answer.json()["code"] for answer in answers] == [
        "dataset_not_deleted",
        "dataset_not_found",
    ]


async def test_the_trash_is_emptied_after_its_time(
    start: StartIngestion, sign_in: SignIn, store: Storage
) -> None:
    hasty = await start(trash_s="0.1", tidy_s="0.2")
    caller = await sign_in(service=hasty)
    made = await upload(caller, b"a\n1\n")

    await caller.http.delete(f"/v1/datasets/{made['id']}")
    await erased(store, caller.tenant_id, left=0)

    answer = await caller.http.post(f"/v1/datasets/{made['id']}/restore")
    assert answer.status_code == 404
    assert (await caller.http.get("/v1/datasets?status=deleted")).json()["items"] == []


async def test_the_same_bytes_are_stored_once_and_kept_while_somebody_needs_them(
    sign_in: SignIn, store: Storage
) -> None:
    caller = await sign_in()
    first = await upload(caller, b"same", name="first")
    second = await upload(caller, b"same", name="second")

    keys = await stored(store, caller.tenant_id)
    await caller.http.delete(f"/v1/datasets/{first['id']}?purge=true")
    content = await caller.http.get(f"/v1/datasets/{second['id']}/content")
    bytes_left = await store.get_bytes("tidemill-datasets", keys[0])
    await caller.http.delete(f"/v1/datasets/{second['id']}?purge=true")
    await erased(store, caller.tenant_id, left=0)

    assert "deduplicated_from" not in first
    assert second["deduplicated_from"] == first["id"]
    assert len(keys) == 1
    assert (content.status_code, bytes_left) == (302, b"same")


async def test_the_same_bytes_at_the_same_time_are_stored_once(
    sign_in: SignIn, store: Storage
) -> None:
    caller = await sign_in()

    made = await asyncio.gather(*(upload(caller, b"twins", name=str(n)) for n in range(4)))

    assert sum("deduplicated_from" in each for each in made) == 3
    assert len(await stored(store, caller.tenant_id)) == 1


async def test_tenants_share_no_bytes(sign_in: SignIn) -> None:
    ann, bob = await sign_in(), await sign_in()
    await upload(ann, b"same")

    made = await upload(bob, b"same")

    assert "deduplicated_from" not in made


async def test_the_trash_counts_until_it_is_purged(sign_in: SignIn) -> None:
    caller = await sign_in()
    made = await upload(caller, b"12345")
    path = f"/v1/datasets/{made['id']}"

    used: list[int] = []
    for query in ("", "?purge=true"):
        await caller.http.delete(path + query)
        used.append((await caller.http.get("/v1/usage")).json()["storage_bytes"]["used"])

    assert used == [5, 0]


async def test_a_tenant_has_no_more_datasets_than_its_share(
    start: StartIngestion, sign_in: SignIn
) -> None:
    limited = await start(max_datasets="1")
    caller = await sign_in(service=limited)

    answers = await asyncio.gather(
        *(caller.http.post(f"/v1/datasets?name={n}", content=f"{n}") for n in range(3))
    )

    assert sorted(answer.status_code for answer in answers) == [201, 429, 429]
    assert {answer.json().get("limit") for answer in answers} == {None, "max_datasets"}
    assert len(await listed(caller)) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=RAIN", ["rain 2"]),
        ("name=%25", []),
        ("label=team:a", ["wind", "rain 2"]),
        ("label=team:a&label=year:26", ["wind"]),
        ("status=ready", []),
        ("status=validating&limit=1", ["wind"]),
        ("format=csv", []),
        ("created_before=2020-01-01T00:00:00Z", []),
        ("created_after=2020-01-01T00:00:00Z", ["wind", "rain 2", "snow"]),
    ],
)
async def test_a_list_has_what_fits(three: Any, query: str, expected: list[str]) -> None:
    answer = await three.http.get(f"/v1/datasets?{query}")

    assert [each["name"] for each in answer.json()["items"]] == expected


@pytest.fixture(scope="module")
async def three(sign_in: SignIn) -> Any:
    """Somebody with three datasets."""
    caller = await sign_in()
    await upload(caller, b"1", name="snow")
    await upload(caller, b"2", name="rain 2", labels='{"team": "a"}')
    await upload(caller, b"3", name="wind", labels='{"team": "a", "year": "26"}')
    return caller


async def test_the_next_page_keeps_the_filter(three: Any) -> None:
    first = await three.http.get("/v1/datasets?label=team:a&limit=1")
    link = first.headers["link"].partition(">")[0].removeprefix("<")

    second = await three.http.get(link)

    assert [each["name"] for each in second.json()["items"]] == ["rain 2"]
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({"Content-Digest": "sha-256=:AAAA:"}, "", "bad_request"),
        ({"Content-Digest": f"sha-256=:{'A' * 43}=:"}, "", "digest_mismatch"),
        ({"Content-Digest": "md5=:AAAA:"}, "", None),
        ({}, f"&sha256={'0' * 64}", "digest_mismatch"),
        ({}, "&sha256=short", "bad_request"),
    ],
)
async def test_bytes_that_are_not_those_that_were_meant_are_refused(
    sign_in: SignIn, store: Storage, headers: dict[str, str], query: str, code: str | None
) -> None:
    caller = await sign_in()

    answer = await caller.http.post(f"/v1/datasets?name=a{query}", content=b"a", headers=headers)

    assert answer.json().get("code") == code
    assert len(await stored(store, caller.tenant_id)) == (1 if code is None else 0)
