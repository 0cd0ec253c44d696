"""Uploads over HTTP: what is accepted is stored, what is not leaves nothing."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from tests.builders import PATIENCE_S
from tidemill_kit.storage import Storage

BUCKET = "tidemill-datasets"
type StartIngestion = Callable[..., Awaitable[Any]]
type SignIn = Callable[..., Awaitable[Any]]


async def stored(store: Storage, tenant_id: str) -> list[str]:
    """The keys of a tenant, finished and unfinished."""
    client: Any = store._client  # pyright: ignore[reportPrivateUsage]
    prefix = UUID(tenant_id).hex
    objects = await client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    parts = await client.list_multipart_uploads(Bucket=BUCKET)
    found = [*objects.get("Contents", []), *parts.get("Uploads", [])]
    return [item["Key"] for item in found if item["Key"].startswith(prefix)]


async def listed(caller: Any) -> list[dict[str, Any]]:
    return (await caller.http.get("/v1/datasets")).json()["items"]


async def in_pieces(*pieces: bytes) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_form_makes_a_dataset_that_is_validating(ann: Any) -> None:
    content = b"city,mm\nBergen,2495\n"

    answer = await ann.http.post(
        "/v1/datasets",
        files={"file": ("rain.csv", content, "text/csv")},
        data={"labels": '{"source": "gauge"}', "delimiter": ","},
    )

    dataset = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/datasets/{dataset['id']}"
    assert dataset["status"] == "validating"
    assert dataset["name"] == "rain.csv"
    assert dataset["size_bytes"] == len(content)
    assert dataset["sha256"] == hashlib.sha256(content).hexdigest()
    assert dataset["labels"] == {"source": "gauge"}
    assert dataset["seq"] == 2
    assert "error" not in dataset


async def test_an_upload_is_told_in_two_events(ann: Any) -> None:
    query = {"name": "a.csv", "header": "false"}
    made = (await ann.http.post("/v1/datasets", params=query, content=b"1,2\n")).json()

    told = (await ann.http.get(f"/v1/datasets/{made['id']}/events")).json()["items"]

    assert [(event["type"], event["seq"]) for event in told] == [
        ("dataset.created", 1),
        ("dataset.uploaded", 2),
    ]
    assert told[1]["options"] == {"header": False}
    assert told[1]["object_key"] == f"{UUID(ann.tenant_id).hex}/{UUID(made['id']).hex}/raw"


async def test_the_content_is_the_bytes_that_were_uploaded(ann: Any) -> None:
    content = hashlib.shake_128(b"seed").digest(20 * 1024 * 1024)
    made = (await ann.http.post("/v1/datasets?name=big", content=content)).json()

    answer = await ann.http.get(f"/v1/datasets/{made['id']}/content")
    async with httpx.AsyncClient(timeout=30) as anybody:
        fetched = await anybody.get(answer.headers["location"])

    assert answer.status_code == 302
    assert fetched.content == content
    assert made["sha256"] == hashlib.sha256(content).hexdigest()
    assert fetched.headers["content-disposition"].startswith("attachment;")


async def test_a_link_opens_one_object_for_reading_only(ann: Any, uploaded: Any) -> None:
    path = f"/v1/datasets/{uploaded['id']}/content?redirect=false"
    link = (await ann.http.get(path)).json()["uri"]
    other_key = link.replace("/raw?", "/raw2?")

    async with httpx.AsyncClient(timeout=30) as anybody:
        answers = [
            await anybody.get(other_key),
            await anybody.put(link, content=b"x"),
            await anybody.get(link.replace("attachment", "inline")),
        ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("evil\u202egnp.csv", "evilgnp.csv"),
        ("", "dataset"),
        ("n\u00e4chste \u6f6e.csv", "n\u00e4chste \u6f6e.csv"),
    ],
)
async def test_a_file_name_does_no_harm(ann: Any, name: str, shown: str) -> None:
    quoted = name.encode()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="'
        + quoted
        + b'"\r\n\r\na\r\n--x--\r\n'
    )

    answer = await ann.http.post(
        "/v1/datasets",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert (answer.status_code, answer.json()["name"]) == (201, shown)


@pytest.mark.parametrize(
    ("query", "headers", "body", "status", "code"),
    [
        ("", {}, b"", 422, "empty_file"),
        ("", {"Content-Type": "text/html"}, b"<p>", 415, "unsupported_media"),
        ("", {"Content-Type": "multipart/form-data"}, b"a", 400, "bad_request"),
        ("", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\n", 400, "bad_request"),
        ("format=xls", {}, b"a", 400, "bad_request"),
        ("labels=[]", {}, b"a", 400, "bad_request"),
        ("colour=red", {}, b"a", 400, "bad_request"),
        ("encoding=martian", {}, b"a", 422, "encoding_unknown"),
        ("", {"Idempotency-Key": "x" * 256}, b"a", 400, "bad_request"),
        ("", {"Authorization": ""}, b"a", 401, "not_signed_in"),
        ("", {"Authorization": "Bearer x.y.z"}, b"a", 401, "not_signed_in"),
    ],
)
async def test_a_bad_upload_has_a_stable_code_and_leaves_nothing(
    sign_in: SignIn,
    store: Storage,
    query: str,
    headers: dict[str, str],
    body: bytes,
    *,
    status: int,
    code: str,
) -> None:
    caller = await sign_in()

    answer = await caller.http.post(f"/v1/datasets?{query}", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await listed(caller) == []
    assert await stored(store, caller.tenant_id) == []


async def test_a_viewer_may_look_but_not_upload(sign_in: SignIn) -> None:
    viewer = await sign_in("viewer")

    answer = await viewer.http.post("/v1/datasets?name=a", content=b"a")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await listed(viewer) == []


@pytest.mark.parametrize("with_length", [True, False])
async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(
    start: StartIngestion,
    sign_in: SignIn,
    store: Storage,
    *,
    with_length: bool,
) -> None:
    limited = await start(max_dataset_bytes="9000000")
    caller = await sign_in(service=limited)
    pieces = [b"x" * 1_000_000] * 10
    content = b"".join(pieces) if with_length else in_pieces(*pieces)

    answer = await caller.http.post("/v1/datasets?name=a", content=content)

    assert (answer.status_code, answer.json()["code"]) == (413, "dataset_too_large")
    assert answer.json()["limit"] == "max_dataset_bytes"
    assert await stored(store, caller.tenant_id) == []


async def test_a_tenant_cannot_store_more_than_its_share(
    start: StartIngestion,
    sign_in: SignIn,
) -> None:
    limited = await start(max_tenant_bytes="10")
    caller = await sign_in(service=limited)
    first = await caller.http.post("/v1/datasets?name=a", content=b"123456")

    second = await caller.http.post("/v1/datasets?name=b", content=b"123456")
    await caller.http.delete(f"/v1/datasets/{first.json()['id']}?purge=true")
    third = await caller.http.post("/v1/datasets?name=c", content=b"123456")

    assert (second.status_code, second.json()["code"]) == (429, "storage_full")
    assert second.json()["limit"] == "max_tenant_bytes"
    assert third.status_code == 201


async def test_a_client_that_goes_away_leaves_nothing(
    start: StartIngestion,
    sign_in: SignIn,
    store: Storage,
    ann: Any,
) -> None:
    own = await start()
    caller = await sign_in(service=own)
    host, port = urlsplit(own.url).hostname, urlsplit(own.url).port
    head = (
        "POST /v1/datasets?name=a HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {caller.token}\r\nContent-Length: 5000000000\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(host, port)
    writer.write(head.encode() + b"x" * 20_000_000)
    async with asyncio.timeout(PATIENCE_S):
        while not await stored(store, caller.tenant_id):
            pass

    writer.close()
    await writer.wait_closed()
    await own.stop()

    assert await stored(store, caller.tenant_id) == []
    shown = await ann.http.get(
        "/v1/datasets",
        headers={"Authorization": f"Bearer {caller.token}"},
    )
    assert shown.json()["items"] == []


async def test_a_client_that_falls_silent_is_ended(start: StartIngestion, sign_in: SignIn) -> None:
    hasty = await start(upload_stall_s="0.2")
    caller = await sign_in(service=hasty)
    host, port = urlsplit(hasty.url).hostname, urlsplit(hasty.url).port
    head = (
        "POST /v1/datasets?name=a HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {caller.token}\r\nContent-Length: 5000\r\n\r\nonly this"
    )
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(head.encode())

    answer = await reader.readuntil(b"}")

    assert b"400" in answer.splitlines()[0]
    assert b'"upload_stalled"' in answer
    writer.close()


async def test_the_same_key_and_bytes_make_one_dataset(sign_in: SignIn, store: Storage) -> None:
    caller = await sign_in()
    headers = {"Idempotency-Key": "once"}

    answers = await asyncio.gather(
        *(
            caller.http.post("/v1/datasets?name=a", content=b"a,b\n", headers=headers)
            for _ in range(4)
        ),
    )

    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert {answer.status_code for answer in answers} == {201}
    assert len({json.dumps(answer.json()) for answer in answers}) == 1
    assert sorted(map(str, replayed)) == ["None", "true", "true", "true"]
    assert len(await listed(caller)) == 1
    assert len(await stored(store, caller.tenant_id)) == 1


async def test_the_same_key_with_other_bytes_is_refused(sign_in: SignIn, store: Storage) -> None:
    caller = await sign_in()
    headers = {"Idempotency-Key": "once"}
    await caller.http.post("/v1/datasets?name=a", content=b"a,b\n", headers=headers)

    answer = await caller.http.post("/v1/datasets?name=a", content=b"c,d\n", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await stored(store, caller.tenant_id)) == 1


async def test_two_tenants_may_use_one_key(ann: Any, bob: Any) -> None:
    headers = {"Idempotency-Key": "shared"}

    answers = [
        await caller.http.post("/v1/datasets?name=a", content=content, headers=headers)
        for caller, content in ((ann, b"hers"), (bob, b"his"))
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
