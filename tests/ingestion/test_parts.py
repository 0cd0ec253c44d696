"""Uploads in parts: begun, sent to the object store, continued, completed, given up."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.builders import PATIENCE_S, a
from tests.ingestion.conftest import MEBIBYTE
from tests.ingestion.test_uploads import listed, stored
from tidemill_ingestion import presigned
from tidemill_ingestion.parts import StoredUpload, UploadOver, part_bytes
from tidemill_ingestion.upload_repository import UploadRepository
from tidemill_kit.storage import Storage

CONTENT = hashlib.shake_128(b"parts").digest(11 * MEBIBYTE)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
type StartIngestion = Callable[..., Awaitable[Any]]
type SignIn = Callable[..., Awaitable[Any]]


async def begin(caller: Any, **order: Any) -> dict[str, Any]:
    body = {"name": "big.csv", "size_bytes": len(CONTENT), **order}
    answer = await caller.http.post("/v1/uploads", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def send(*parts: dict[str, Any], content: bytes = CONTENT) -> list[int]:
    async with httpx.AsyncClient(timeout=60) as anybody:
        answers = [
            await anybody.put(
                part["uri"], content=content[part["offset"] : part["offset"] + part["size_bytes"]]
            )
            for part in parts
        ]
    return [answer.status_code for answer in answers]


async def complete(caller: Any, upload: Any, **order: Any) -> Any:
    return await caller.http.post(f"/v1/uploads/{upload['id']}/complete", json=order)


async def test_parts_become_a_dataset_with_the_bytes_sha256(eve: Any) -> None:
    upload = await begin(eve, labels={"a": "b"}, options={"header": False})
    sent = await send(*reversed(upload["parts"]))

    answers = [await complete(eve, upload, sha256=SHA256) for _ in range(2)]

    dataset = answers[0].json()
    assert sent == [200, 200, 200]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json()["id"] for answer in answers] == [upload["id"]] * 2
    assert (dataset["sha256"], dataset["size_bytes"]) == (SHA256, len(CONTENT))
    assert (dataset["name"], dataset["status"]) == ("big.csv", "validating")
    assert dataset["labels"] == {"a": "b"}
    assert answers[0].headers["location"] == f"/v1/datasets/{dataset['id']}"


async def test_only_the_missing_parts_have_links(eve: Any) -> None:
    upload = await begin(eve, fingerprint="this very file")
    await send(upload["parts"][1])
    early = await complete(eve, upload)

    found = (await eve.http.get("/v1/uploads?status=uploading&fingerprint=this very file")).json()
    shown = (await eve.http.get(f"/v1/uploads/{upload['id']}")).json()

    assert [each["id"] for each in found["items"]] == [upload["id"]]
    assert [part["stored"] for part in shown["parts"]] == [False, True, False]
    assert ["uri" in part for part in shown["parts"]] == [True, False, True]
    assert shown["stored_bytes"] == 5 * MEBIBYTE
    assert (early.status_code, early.json()["code"]) == (409, "upload_incomplete")
    assert early.json()["parts"] == [1, 3]


async def test_a_link_takes_its_part_in_its_length_and_nothing_else(eve: Any) -> None:
    upload = await begin(eve)
    first = upload["parts"][0]
    other = first["uri"].replace("partNumber=1", "partNumber=2")

    async with httpx.AsyncClient(timeout=60) as anybody:
        longer = await anybody.put(first["uri"], content=b"x" * (6 * MEBIBYTE))
        foreign = await anybody.put(other, content=CONTENT[: first["size_bytes"]])
        read = await anybody.get(first["uri"])

    assert [longer.status_code, foreign.status_code, read.status_code] == [403, 403, 403]


@pytest.mark.parametrize("said", ["at the start", "at the end"])
async def test_other_bytes_than_were_meant_make_no_dataset(
    eve: Any, store: Storage, said: str
) -> None:
    upload = await begin(eve, **({"sha256": SHA256} if said == "at the start" else {}))
    await send(*upload["parts"], content=b"y" * len(CONTENT))

    answer = await complete(eve, upload, **({} if said == "at the start" else {"sha256": SHA256}))
    again = await complete(eve, upload)

    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    assert (again.status_code, again.json()["code"]) == (410, "upload_over")
    assert await listed(eve) == []
    assert await stored(store, eve.tenant_id) == []


async def test_completing_at_the_same_time_makes_one_dataset(eve: Any) -> None:
    upload = await begin(eve)
    await send(*upload["parts"])

    answers = await asyncio.gather(*(complete(eve, upload) for _ in range(4)))

    assert {answer.status_code for answer in answers} <= {201, 202}
    assert len(await listed(eve)) == 1


async def test_parts_that_another_request_has_put_together_were_all_there(
    eve: Any, parted: Any
) -> None:
    made, given_up = await begin(eve), await begin(eve)
    tenant_id, state = UUID(eve.tenant_id), parted.app.state
    async with state.database.on_behalf_of(tenant_id) as connection:
        uploads = UploadRepository(connection, tenant_id)
        seen = [await uploads.get(UUID(upload["id"])) for upload in (made, given_up)]
    await send(*made["parts"])
    await complete(eve, made)
    await eve.http.delete(f"/v1/uploads/{given_up['id']}")

    place = state.database, state.storage, state.settings
    there = await presigned.stored(*place, seen[0])
    with pytest.raises(UploadOver):
        await presigned.stored(*place, seen[1])

    assert there == {1, 2, 3}


async def test_what_takes_long_is_answered_later(start: StartIngestion, sign_in: SignIn) -> None:
    hasty = await start(upload_answer_s="0")
    caller = await sign_in(service=hasty)
    upload = await begin(caller)
    await send(*upload["parts"])

    answers = [await complete(caller, upload)]
    async with asyncio.timeout(PATIENCE_S):
        while answers[-1].status_code == 202:
            answers.append(await complete(caller, upload))

    assert answers[0].status_code == 202
    assert answers[0].headers["retry-after"] == "1"
    assert (answers[-1].status_code, answers[-1].json()["sha256"]) == (201, SHA256)


async def test_an_aborted_upload_leaves_nothing(eve: Any, store: Storage) -> None:
    upload = await begin(eve)
    await send(upload["parts"][0])
    path = f"/v1/uploads/{upload['id']}"

    gone = [await eve.http.delete(path) for _ in range(2)]
    late = await send(upload["parts"][1])

    assert [answer.status_code for answer in gone] == [204, 204]
    assert late == [404]
    assert (await eve.http.get(path)).json()["status"] == "aborted"
    assert await stored(store, eve.tenant_id) == []


async def test_an_upload_that_nobody_finishes_expires(
    start: StartIngestion, sign_in: SignIn, store: Storage
) -> None:
    hasty = await start(upload_expiry_s="0.5", tidy_s="0.2")
    caller = await sign_in(service=hasty)
    upload = await begin(caller)

    async with asyncio.timeout(PATIENCE_S):
        while await stored(store, caller.tenant_id):
            shown = await caller.http.get(f"/v1/uploads/{upload['id']}")
    shown = await caller.http.get(f"/v1/uploads/{upload['id']}")
    answer = await complete(caller, upload)

    assert shown.json()["status"] == "expired"
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_over")


async def test_an_open_upload_is_taken_from_the_share(
    start: StartIngestion, sign_in: SignIn
) -> None:
    limited = await start(max_tenant_bytes=str(2 * len(CONTENT)), max_open_uploads="1")
    caller = await sign_in(service=limited)
    first = await begin(caller)
    order = {"name": "b", "size_bytes": 10}

    second = await caller.http.post("/v1/uploads", json=order)
    large = await caller.http.post("/v1/uploads", json={**order, "size_bytes": 2**45})
    usage = (await caller.http.get("/v1/usage")).json()
    await caller.http.delete(f"/v1/uploads/{first['id']}")
    third = await caller.http.post("/v1/uploads", json=order)

    assert (second.status_code, second.json()["limit"]) == (429, "max_open_uploads")
    assert (large.status_code, large.json()["limit"]) == (413, "max_dataset_bytes")
    assert usage["storage_bytes"] == {"used": len(CONTENT), "limit": 2 * len(CONTENT)}
    assert usage["open_uploads"] == {"used": 1, "limit": 1}
    assert third.status_code == 201


async def test_a_key_begins_one_upload(eve: Any) -> None:
    headers, order = {"Idempotency-Key": "once"}, {"name": "a", "size_bytes": 5}

    answers = [await eve.http.post("/v1/uploads", json=order, headers=headers) for _ in range(2)]

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len((await eve.http.get("/v1/uploads")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        ({"name": "a", "size_bytes": 0}, 422, "empty_file"),
        ({"name": "../..", "size_bytes": 1}, 422, "name_invalid"),
        ({"name": "a", "size_bytes": 1, "sha256": "abc"}, 400, "bad_request"),
        ({"name": "a", "size_bytes": 1, "options": {"format": "xls"}}, 400, "bad_request"),
        ({"size_bytes": 1}, 400, "bad_request"),
    ],
)
async def test_a_bad_order_begins_nothing(
    eve: Any, order: dict[str, Any], status: int, code: str
) -> None:
    answer = await eve.http.post("/v1/uploads", json=order)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await eve.http.get("/v1/uploads")).json()["items"] == []


async def test_another_tenants_upload_is_not_there(eve: Any, bob: Any) -> None:
    upload = await begin(eve)
    path = f"/v1/uploads/{upload['id']}"

    answers = [
        await bob.http.get(path),
        await bob.http.delete(path),
        await complete(bob, upload),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (8, 1), (9, 2), (16, 2)])
def test_the_parts_of_an_upload_are_all_of_it(size: int, expected: int) -> None:
    upload = a(StoredUpload, size_bytes=size, part_bytes=8)

    sizes = [upload.size_of(number) for number in range(1, upload.part_count + 1)]

    assert (len(sizes), sum(sizes)) == (expected, size)


def test_a_tebibyte_has_no_more_parts_than_s3_takes() -> None:
    size = part_bytes(1024**4, 8 * MEBIBYTE)

    assert -(-(1024**4) // size) <= 10_000
    assert size % MEBIBYTE == 0
