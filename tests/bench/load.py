"""A load generator of its own: keep-alive connections, one request in flight on each."""

import asyncio
import time
from collections.abc import Iterator
from typing import cast

from msgspec import Struct


class Sample(Struct, frozen=True):
    """What a load saw: seconds of each answer, refusals, and how long it all took."""

    seconds: list[float]
    refused: int
    wall_s: float
    bodies: list[bytes]

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall_s

    def quantile_ms(self, q: float) -> float:
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection; `ask` sends a request and waits for its whole answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or self._answer is None:
            return
        start, length = head + 4, _length(bytes(self._buffer[:head]))
        if len(self._buffer) < start + length:
            return
        status, body = int(self._buffer[9:12]), bytes(self._buffer[start : start + length])
        self._buffer.clear()
        answer, self._answer = self._answer, None
        answer.set_result((status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: tidemill\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def fire(
    address: tuple[str, int],
    requests: Iterator[bytes],
    *,
    connections: int,
    expect: int,
    keep_bodies: bool = False,
) -> Sample:
    """Send all requests over so many connections as fast as they are answered."""
    loop = asyncio.get_running_loop()
    seconds: list[float] = []
    bodies: list[bytes] = []
    refused = 0

    async def work() -> None:
        nonlocal refused
        _, connection = await loop.create_connection(Connection, *address)
        for made in requests:
            began = time.perf_counter()
            status, body = await connection.ask(made)
            if status == expect:
                seconds.append(time.perf_counter() - began)
                if keep_bodies:
                    bodies.append(body)
            else:
                refused += 1

    began = time.perf_counter()
    await asyncio.gather(*[work() for _ in range(connections)])
    return Sample(seconds, refused, time.perf_counter() - began, bodies)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0
