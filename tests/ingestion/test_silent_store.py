"""A store that hangs keeps neither the caller nor the service's other work waiting."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.builders import PATIENCE_S
from tests.ingestion.conftest import StartIngestion
from tests.ingestion.test_uploads import listed, stored
from tidemill_kit.storage import Storage

type SignIn = Callable[..., Awaitable[Any]]
CROWD = 12
SILENCE_S = 1.0


class Silent:
    """Takes connections and says nothing; `crowded` is set once there are many."""

    def __init__(self) -> None:
        self.url = ""
        self.crowded = asyncio.Event()
        self.connections = 0

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        if self.connections >= CROWD:
            self.crowded.set()
        try:
            while await reader.read(65_536):
                pass
        finally:
            self.connections -= 1
            writer.close()


@pytest.fixture
async def silent() -> AsyncGenerator[Silent]:
    made = Silent()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


async def test_an_upload_into_a_store_that_hangs_is_refused_in_time(
    start: StartIngestion, sign_in: SignIn, store: Storage, silent: Silent
) -> None:
    hung = await start(s3_endpoint=silent.url, s3_timeout_s=str(SILENCE_S))
    caller = await sign_in(service=hung)

    began = monotonic()
    small = await caller.http.post("/v1/datasets?name=a", content=b"a,b\n1,2\n")
    large = await caller.http.post("/v1/datasets?name=b", content=bytes(20_000_000))
    begun = await caller.http.post("/v1/uploads", json={"name": "c", "size_bytes": 100})
    took = monotonic() - began

    for answer in (small, large, begun):
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_away")
        assert answer.headers["retry-after"]
    assert took < 4 * SILENCE_S + 5
    assert silent.connections == 0
    assert await listed(caller) == []
    assert (await caller.http.get("/v1/uploads")).json()["items"] == []
    assert await stored(store, caller.tenant_id) == []


async def test_who_waits_for_the_store_keeps_no_connection_to_the_database(
    start: StartIngestion, uploaded: Any, ann: Any, silent: Silent
) -> None:
    hung = await start(s3_endpoint=silent.url, s3_timeout_s=str(SILENCE_S + 2))
    path = f"/v1/datasets/{uploaded['id']}"
    order = {"name": "a", "size_bytes": 9}
    headers = {"Authorization": f"Bearer {ann.token}"}

    async with (
        httpx.AsyncClient(base_url=hung.url, headers=headers, timeout=PATIENCE_S) as http,
        asyncio.TaskGroup() as tasks,
    ):
        asked = [http.get(f"{path}/content") for _ in range(CROWD // 2)]
        asked += [http.post("/v1/uploads", json=order) for _ in range(CROWD // 2)]
        waiting = [tasks.create_task(each) for each in asked]
        async with asyncio.timeout(PATIENCE_S):
            await silent.crowded.wait()
        looked = await http.get(path)

    assert looked.status_code == 200
    assert {each.result().json()["code"] for each in waiting} == {"storage_away"}
