"""A line to the store that breaks: the store is away, and half an object is never a whole one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from msgspec import Struct

from tests.stack.conftest import BUCKET, store_settings
from tidemill_kit.multipart import PART_BYTES
from tidemill_kit.storage import Storage
from tidemill_kit.storage_errors import NoRoomInStore, StorageAway
from tidemill_stack.stack import Stack

BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"
FULL = b"HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\n\r\n"
OFTEN = 1_000
OURS = (b"expect:", b"connection:")


class Trouble(Struct, kw_only=True):
    """What befalls the first so many requests with these words in their first line.

    `refusal` keeps a request from the store; `spoil` makes of the store's answer what comes.
    """

    words: bytes = b""
    refusal: bytes | None = None
    spoil: Callable[[bytes], bytes] = lambda answer: answer
    times: int = OFTEN

    def befalls(self, request: bytes) -> bool:
        hit = self.times > 0 and self.words in request.partition(b"\r\n")[0]
        self.times -= hit
        return hit


@asynccontextmanager
async def line_with(servers: Stack, trouble: Trouble) -> AsyncGenerator[Storage]:
    """The real store behind a line of which each request has its own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await whole_request(reader, writer)
        hit = trouble.befalls(request)
        if hit and trouble.refusal is not None:
            answer = trouble.refusal
        else:
            answer = await ask(servers.s3_endpoint, request)
        writer.write(trouble.spoil(answer) if hit else answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, limit=2 * PART_BYTES) as server:
        port = server.sockets[0].getsockname()[1]
        async with Storage.open(store_settings(servers, f"http://127.0.0.1:{port}")) as storage:
            yield storage


async def whole_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A request whose answer ends with its connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"100-continue" in head.lower():
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(OURS)]
    sizes = [line.partition(b":")[2] for line in lines if line.lower().startswith(b"content-len")]
    body = await reader.readexactly(int(sizes[0]) if sizes else 0)
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


async def ask(endpoint: str, request: bytes) -> bytes:
    found = urlsplit(endpoint)
    reader, writer = await asyncio.open_connection(found.hostname, found.port)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


async def two_parts() -> AsyncIterator[bytes]:
    yield bytes(PART_BYTES)
    yield bytes(1)


def half(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body[: len(body) // 2]


def nothing(answer: bytes) -> bytes:
    del answer
    return b""


@pytest.mark.parametrize(
    "trouble",
    [Trouble(words=b"GET", spoil=half), Trouble(refusal=BUSY), Trouble(refusal=b"")],
    ids=["cut", "busy", "hung up"],
)
async def test_what_does_not_come_whole_does_not_come(
    servers: Stack, storage: Storage, trouble: Trouble
) -> None:
    key = str(uuid4())
    await storage.put_bytes(BUCKET, key, bytes(1_000))

    async with line_with(servers, trouble) as troubled:
        with pytest.raises(StorageAway):
            await troubled.get_bytes(BUCKET, key)
        with pytest.raises(StorageAway):
            _ = [piece async for piece in troubled.read(BUCKET, key)]


@pytest.mark.parametrize(
    ("refusal", "told"),
    [(BUSY, StorageAway), (FULL, NoRoomInStore), (b"", StorageAway)],
    ids=["busy", "full", "hung up"],
)
async def test_what_the_store_does_not_take_is_not_said_to_be_kept(
    servers: Stack, storage: Storage, refusal: bytes, told: type[Exception]
) -> None:
    key = str(uuid4())

    async with line_with(servers, Trouble(words=b"partNumber=2", refusal=refusal)) as troubled:
        with pytest.raises(told):
            await troubled.put_stream(BUCKET, key, two_parts())

    assert not await storage.exists(BUCKET, key)


@pytest.mark.parametrize("words", [b"partNumber=1", b"POST"], ids=["of a part", "of the beginning"])
async def test_a_lost_answer_makes_nothing_twice(
    servers: Stack, storage: Storage, words: bytes
) -> None:
    key = str(uuid4())

    async with line_with(servers, Trouble(words=words, spoil=nothing, times=1)) as troubled:
        size, _ = await troubled.put_stream(BUCKET, key, two_parts())

    assert await storage.size_of(BUCKET, key) == size == PART_BYTES + 1
