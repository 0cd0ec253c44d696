"""Objects go to the real store and come back as they were, also by link and in parts."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.stack.conftest import BUCKET, store_settings
from tidemill_kit.multipart import PART_BYTES
from tidemill_kit.storage import Storage
from tidemill_kit.storage_errors import ObjectMissing, StorageAway
from tidemill_stack.stack import Stack


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


@pytest.mark.parametrize("name", ["plain", "with space & ä+=~/(x).txt", "a//b"])
async def test_an_object_of_any_name_comes_back(storage: Storage, name: str) -> None:
    key = f"{uuid4()}/{name}"

    stored = await storage.put_bytes(BUCKET, key, b"some bytes")

    assert stored == sha256(b"some bytes").hexdigest()
    assert await storage.get_bytes(BUCKET, key) == b"some bytes"


async def test_a_long_stream_is_stored_in_parts(storage: Storage, tmp_path: Path) -> None:
    key, body = str(uuid4()), bytes(range(256)) * (PART_BYTES // 128 + 1)

    size, digest = await storage.put_stream(BUCKET, key, pieces(body[:1000], body[1000:]))

    assert (size, digest) == (len(body), sha256(body).hexdigest())
    assert await storage.get_file(BUCKET, key, tmp_path / "back") == digest
    assert (tmp_path / "back").read_bytes() == body


async def test_of_a_broken_stream_nothing_is_kept(storage: Storage) -> None:
    key = str(uuid4())

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(PART_BYTES + 1)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await storage.put_stream(BUCKET, key, broken())

    assert not await storage.exists(BUCKET, key)


async def test_a_deleted_object_is_missing(storage: Storage) -> None:
    key = str(uuid4())
    await storage.put_bytes(BUCKET, key, b"x")

    await storage.delete(BUCKET, key)

    assert not await storage.exists(BUCKET, key)
    with pytest.raises(ObjectMissing):
        await storage.get_bytes(BUCKET, key)


async def test_a_link_gives_the_object_under_its_name(storage: Storage) -> None:
    key = f"{uuid4()}/out put.csv"
    await storage.put_bytes(BUCKET, key, b"a,b\n")

    link = await storage.link(BUCKET, key, filename="größe.csv", media_type="text/csv")

    async with aiohttp.ClientSession() as session, session.get(link) as answer:
        assert await answer.read() == b"a,b\n"
        assert answer.headers["Content-Type"] == "text/csv"
        assert "gr%C3%B6%C3%9Fe.csv" in answer.headers["Content-Disposition"]


async def test_a_store_that_is_not_there_is_away(servers: Stack, unused_tcp_port: int) -> None:
    nowhere = store_settings(servers, f"http://127.0.0.1:{unused_tcp_port}")

    async with Storage.open(nowhere) as storage:
        with pytest.raises(StorageAway):
            await storage.get_bytes(BUCKET, "any")
