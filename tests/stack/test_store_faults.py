"""A store that answers badly is away, and says so; half an object is never a whole one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tidemill_kit.settings import Settings
from tidemill_kit.storage import PART_BYTES, Storage, StorageAway

CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this"
BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
FULL = b"HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def store_that_says(answer: bytes) -> AsyncGenerator[Storage]:
    """A server on a port of its own that answers each request with these bytes and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        settings = Settings(
            s3_endpoint=url, public_url=url, s3_access_key="key", s3_secret_key="secret"
        )
        async with Storage.open(settings) as storage:
            yield storage


async def a_file() -> AsyncIterator[bytes]:
    yield bytes(PART_BYTES + 1)


@pytest.mark.parametrize("answer", [CUT, BUSY, b""], ids=["cut", "busy", "hung up"])
async def test_what_does_not_come_whole_does_not_come(answer: bytes) -> None:
    async with store_that_says(answer) as storage:
        async with asyncio.timeout(60):
            with pytest.raises(StorageAway):
                await storage.get_bytes("any", "any")


async def test_a_stream_that_is_cut_ends_in_an_error() -> None:
    async with store_that_says(CUT) as storage:
        got: list[bytes] = []

        with pytest.raises(StorageAway):
            got.extend([piece async for piece in storage.read("any", "any")])

        assert len(b"".join(got)) < 1000


@pytest.mark.parametrize("answer", [BUSY, FULL, b""], ids=["busy", "full", "hung up"])
async def test_what_the_store_does_not_take_is_not_said_to_be_kept(answer: bytes) -> None:
    async with store_that_says(answer) as storage:
        async with asyncio.timeout(60):
            with pytest.raises(StorageAway):
                await storage.put_stream("any", "any", a_file())
