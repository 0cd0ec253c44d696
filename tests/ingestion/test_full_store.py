"""A store whose disk is nearly full: what would not fit is refused, what is there is read."""

from pathlib import Path
from typing import Any

from tests.ingestion.conftest import SignIn, StartIngestion
from tests.ingestion.test_uploads import listed, stored
from tidemill_kit.storage import Storage


async def test_what_does_not_fit_is_refused_and_leaves_nothing(
    start: StartIngestion, sign_in: SignIn, store: Storage, tmp_path: Path
) -> None:
    full = await start(s3_folder=str(tmp_path), s3_free_percent="100")
    caller = await sign_in(service=full)

    refused = [
        await caller.http.post("/v1/datasets?name=a", content=b"a,b\n1,2\n"),
        await caller.http.post("/v1/datasets?name=a", content=bytes(9_000_000)),
        await caller.http.post("/v1/uploads", json={"name": "a", "size_bytes": 9}),
    ]

    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (507, "no_room_in_store")
        assert "MiB are free" in answer.json()["detail"]
        assert answer.headers["retry-after"] == "60"
    assert await listed(caller) == []
    assert (await caller.http.get("/v1/uploads")).json()["items"] == []
    assert await stored(store, caller.tenant_id) == []


async def test_a_full_store_is_still_read(
    start: StartIngestion, tmp_path: Path, uploaded: Any, ann: Any
) -> None:
    full = await start(s3_folder=str(tmp_path), s3_free_percent="100")
    place = f"{full.url}/v1/datasets/{uploaded['id']}/content"

    answer = await ann.http.get(place, follow_redirects=True, headers={})

    assert answer.content == b"a,b\n1,2\n"
