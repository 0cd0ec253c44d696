"""The object store's disk fills up to its last byte, and is given room again."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from subprocess import run
from typing import Any

import httpx
import pytest

from tests.builders import PATIENCE_S
from tests.conftest import HERE, SHORT_TIMERS
from tests.e2e.people import PASSWORD, Person, until
from tidemill_client.client import Client
from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import FailureKind, JobRetryScheduled, JobSucceeded
from tidemill_contracts.jobs import JobStatus
from tidemill_kit.objects import Objects
from tidemill_kit.settings import Settings, load
from tidemill_kit.storage_errors import StorageAway
from tidemill_stack import services, state
from tidemill_stack.attach import surroundings
from tidemill_stack.credentials import load_or_make
from tidemill_stack.supervise import Options

SMALL_DISK = [sys.executable, str(Path(__file__).with_name("small_disk.py"))]
# SeaweedFS wants 64 MiB for each bucket, and as much for itself
SIZE, LITTLE = "256m", 3 * 1024 * 1024
DATASETS, RESULTS = "tidemill-datasets", "tidemill-results"
# its result is too large to be told, so it has to be stored
LARGE: dict[str, Any] = {"processor": "repeat", "value": "abc"}


class SmallSystem:
    """`tidemill up` on a folder of which the object store's part is a disk of its own."""

    def __init__(self, data: Path, process: Process) -> None:
        self.data = data
        self._process = process
        self._said = ""

    @property
    def url(self) -> str:
        found = state.read(self.data)
        assert found
        return found.urls["gateway"]

    @property
    def disk(self) -> Path:
        """The object store's folder as the processes see it."""
        return Path(f"/proc/{self._process.pid}/root{self.data}/seaweedfs")

    async def says(self, words: str) -> None:
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE_S):
            while words not in self._said:
                line = await self._process.stdout.readline()
                assert line, self._said
                self._said += line.decode()

    def fill(self, *, leave: int) -> None:
        disk = os.statvfs(self.disk)
        with (self.disk / "filler").open("ab") as filler:
            size = disk.f_bavail * disk.f_frsize - leave
            os.posix_fallocate(filler.fileno(), filler.tell(), size)

    def make_room(self) -> None:
        (self.disk / "filler").unlink()


@pytest.fixture
async def small(tmp_path: Path) -> AsyncGenerator[SmallSystem]:
    folder = tmp_path / "data" / "seaweedfs"
    folder.mkdir(mode=0o700, parents=True)
    tried = run([*SMALL_DISK, "1m", folder, "/bin/true"], capture_output=True, check=False)  # noqa: ASYNC221, S603 - at once
    if tried.returncode != 0:
        pytest.skip("this user may make no namespace with a mount of its own")
    own = {"TM_PROCESSOR_PATHS": str(HERE / "processor" / "child" / "own")}
    options = Options(data=str(folder.parent), port=0, host="127.0.0.1", slots=2)
    process = await asyncio.create_subprocess_exec(
        *[*SMALL_DISK, SIZE, str(folder), *options.command()],
        env={**os.environ, **SHORT_TIMERS, **own},
        stdout=PIPE,
        stderr=STDOUT,
    )
    system = SmallSystem(folder.parent, process)
    try:
        await system.says("ready in")
        yield system
    finally:
        process.terminate()
        await process.communicate()


@pytest.fixture
async def ann(small: SmallSystem) -> AsyncGenerator[Person]:
    email = f"{uuid7().hex}@example.org"
    async with AsyncExitStack() as opened:
        client = await opened.enter_async_context(Client(small.url, retries=20))
        http = httpx.AsyncClient(base_url=small.url, timeout=60)
        await opened.enter_async_context(http)
        made = await client.register(email, PASSWORD)
        yield Person(made.user, await client.sign_in(email, PASSWORD), client, http)


@pytest.fixture
async def store(small: SmallSystem) -> AsyncGenerator[Objects]:
    """The store past the services, with all rights and no regard for its disk."""
    around = surroundings(small.data)
    key = load_or_make(small.data / "secrets", services.installed(), {}).s3["admin"]
    env = services.environment("ingestion", around) | {
        "TM_S3_ACCESS_KEY": key.access_key,
        "TM_S3_SECRET_KEY": key.secret_key,
        "TM_S3_FOLDER": "",
    }
    async with Objects.open(load(Settings, env)) as opened:
        yield opened


async def refusals(ann: Person) -> list[httpx.Response]:
    order = {"name": "c", "size_bytes": 9_000_000}
    return [
        await ann.ask("POST", "/v1/datasets?name=a", content=b"a,b\n3,4\n"),
        await ann.ask("POST", "/v1/datasets?name=b", content=bytes(9_000_000)),
        await ann.ask("POST", "/v1/uploads", json=order),
    ]


async def write_on(store: Objects) -> None:
    """As somebody does who heeds nothing, until SeaweedFS cannot write its directory either."""
    with suppress(StorageAway):
        while True:
            await store.put_bytes(RESULTS, f"stranger/{uuid7()}", bytes(100_000))
    while True:
        await store.begin_parts(RESULTS, f"stranger/{uuid7()}")


async def test_a_full_disk_loses_nothing_and_room_is_enough_to_go_on(
    small: SmallSystem, ann: Person, store: Objects
) -> None:
    kept = await ann.client.wait_dataset((await ann.client.upload(b"a,b\n1,2\n", "kept")).id)

    small.fill(leave=LITTLE)
    await small.says("nearly full")
    refused = await refusals(ann)
    async with ann.client.live("all") as items:
        job = await ann.client.submit(**LARGE)
        retried = (await until(items, JobRetryScheduled, of=job.id))[-1].event
        small.fill(leave=0)
        with pytest.raises(StorageAway):
            await write_on(store)
        refused += await refusals(ann)
        seen = await ann.ask("GET", f"/v1/datasets/{kept.id}/preview")
        content = await ann.client.content(kept.id).value()
        small.make_room()
        await small.says("it is started again")
        await until(items, JobSucceeded, of=job.id)
    after = await ann.client.wait_dataset((await ann.client.upload(b"a\n7\n", "after")).id)

    assert {(each.status_code, each.json()["code"]) for each in refused} == {
        (507, "no_room_in_store")
    }
    assert isinstance(retried, JobRetryScheduled)
    assert (retried.kind, retried.error.code) == (FailureKind.INFRASTRUCTURE, "no_room_in_store")
    assert "MiB are free" in retried.error.message
    assert (seen.status_code, seen.json()["rows"]) == (200, [{"a": 1, "b": 2}])
    assert content == b"a,b\n1,2\n"
    assert (await ann.client.job(job.id)).status is JobStatus.SUCCEEDED
    assert {each.id for each in (await ann.client.datasets()).items} == {kept.id, after.id}
    assert [each async for each in store.open_parts(DATASETS)] == []
    assert len([each async for page in store.below(DATASETS, "") for each in page]) == 2
