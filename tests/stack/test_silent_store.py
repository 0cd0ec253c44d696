"""A store that takes the connection and then hangs: it is away in time, whatever it hangs in."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from msgspec.structs import replace

from tests.stack.conftest import BUCKET, store_settings
from tidemill_kit.multipart import PART_BYTES
from tidemill_kit.storage import Storage
from tidemill_kit.storage_errors import StorageAway
from tidemill_stack.stack import Stack

PATIENCE_S = 1.0
# what a machine under load adds
SLACK_S = 5.0
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: a\r\n\r\n" + bytes(500)

type Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]


async def nothing(reader: StreamReader, writer: StreamWriter) -> None:
    """Take all and say nothing."""
    del writer
    await reader.read()


async def deaf(reader: StreamReader, writer: StreamWriter) -> None:
    """Take the head and no more; the rest fills what the kernel keeps."""
    await reader.readuntil(b"\r\n\r\n")
    await writer.wait_closed()


async def half(reader: StreamReader, writer: StreamWriter) -> None:
    """Stop in the middle of an object."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HALF)
    await reader.read()


@asynccontextmanager
async def hanging(servers: Stack, hang: Serve) -> AsyncGenerator[Storage]:
    """A store of which every connection hangs; how many are left of them must be none."""
    left = set[StreamWriter]()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        left.add(writer)
        try:
            await hang(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            left.discard(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024) as server:
        port = server.sockets[0].getsockname()[1]
        settings = store_settings(servers, f"http://127.0.0.1:{port}")
        async with Storage.open(replace(settings, s3_timeout_s=PATIENCE_S)) as storage:
            yield storage
        server.close_clients()
    assert not left


async def a_small_object(storage: Storage) -> object:
    return await storage.put_bytes(BUCKET, "any", b"some bytes")


async def a_stream(storage: Storage) -> object:
    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(PART_BYTES)
        yield bytes(PART_BYTES)

    return await storage.put_stream(BUCKET, "any", pieces())


async def a_part(storage: Storage) -> object:
    return await storage.put_bytes(BUCKET, "any", bytes(2 * PART_BYTES))


async def its_size(storage: Storage) -> object:
    return await storage.size_of(BUCKET, "any")


async def its_bytes(storage: Storage) -> object:
    return await storage.get_bytes(BUCKET, "any")


@pytest.mark.parametrize(
    ("hang", "ask"),
    [
        (nothing, a_small_object),
        (nothing, a_stream),
        (nothing, its_size),
        (nothing, its_bytes),
        (deaf, a_part),
        (half, its_bytes),
    ],
)
async def test_whatever_it_hangs_in_it_is_away_in_time(
    servers: Stack, hang: Serve, ask: Callable[[Storage], Awaitable[object]]
) -> None:
    async with hanging(servers, hang) as storage:
        began = monotonic()
        with pytest.raises(StorageAway):
            await ask(storage)
        took = monotonic() - began

    assert took < PATIENCE_S * 1.5 + SLACK_S


async def test_who_waits_for_a_connection_waits_no_longer(servers: Stack) -> None:
    async with hanging(servers, nothing) as storage:
        began = monotonic()
        asked = [storage.exists(BUCKET, f"{number}") for number in range(40)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        took = monotonic() - began

    assert {type(answer) for answer in answers} == {StorageAway}
    assert took < PATIENCE_S + SLACK_S
