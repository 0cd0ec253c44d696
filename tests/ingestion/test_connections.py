"""Uploads by clients that ask first, lie about the length or leave early, byte by byte."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.builders import PATIENCE_S
from tests.ingestion.test_uploads import listed, stored
from tidemill_kit.storage import Storage

type SignIn = Callable[..., Awaitable[Any]]
type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def posting(service: Any, caller: Any, *headers: str) -> Connection:
    """A connection that has sent the head of an upload."""
    place = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    lines = [
        "POST /v1/datasets?name=a HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {caller.token}",
        *headers,
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    return reader, writer


async def test_a_client_that_asks_is_told_to_go_on(ingestion: Any, sign_in: SignIn) -> None:
    caller = await sign_in()
    reader, writer = await posting(ingestion, caller, "Content-Length: 4", "Expect: 100-continue")
    async with asyncio.timeout(PATIENCE_S):
        first = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"a\n1\n")
        second = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert first.startswith(b"HTTP/1.1 100 ")
    assert second.startswith(b"HTTP/1.1 201 ")


async def test_a_client_that_asks_for_too_much_need_not_send_it(
    ingestion: Any, sign_in: SignIn
) -> None:
    caller = await sign_in()
    reader, writer = await posting(
        ingestion, caller, f"Content-Length: {2**45}", "Expect: 100-continue"
    )
    async with asyncio.timeout(PATIENCE_S):
        first = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert first.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Content-Length: 5000", b"a,b\n1,2\n"),
        ("Transfer-Encoding: chunked", b"8\r\na,b\n1,2\n\r\n"),
        ("Transfer-Encoding: chunked", b"nonsense\r\n"),
    ],
)
async def test_a_body_that_does_not_end_makes_no_dataset(
    ingestion: Any, sign_in: SignIn, store: Storage, header: str, body: bytes
) -> None:
    caller = await sign_in()
    reader, writer = await posting(ingestion, caller, header)
    writer.write(body)
    await writer.drain()
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()

    assert b" 201 " not in answer
    assert await listed(caller) == []
    assert await stored(store, caller.tenant_id) == []
