"""A load generator of its own: keep-alive connections, one request in flight on each."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Self, cast

from msgspec import Struct

type Address = tuple[str, int]
type OnAnswer = Callable[[int, bytes], None]
WITHIN_S = 60.0


class Sample(Struct, frozen=True):
    """What a load saw: seconds of each accepted request, refusals, and how long it all took."""

    seconds: list[float]
    refusals: list[bytes]
    wall_s: float
    bodies: list[bytes]
    began: float

    @property
    def refused(self) -> str:
        """How many were refused, and what the first was told; empty if none."""
        first = self.refusals[0][:300].decode(errors="replace") if self.refusals else ""
        return f"{len(self.refusals)}, such as {first}" if self.refusals else ""

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall_s

    def quantile_ms(self, q: float) -> float:
        return quantile_ms(self.seconds, q)


class Refused(RuntimeError):
    """A server answered otherwise than it should."""


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection; each whole answer goes to `answered`."""

    def __init__(self, answered: OnAnswer) -> None:
        self.answered = answered
        self.lost: Callable[[Exception | None], None] = _ignore
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    @classmethod
    async def open(cls, address: Address, answered: OnAnswer) -> Self:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(answered), *address)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = head + 4
        end = start + _length(buffer[:head])
        if len(buffer) >= end:
            self._buffer = b""
            self.answered(int(buffer[9:12]), buffer[start:end])

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost(exc)

    def send(self, request: bytes) -> None:
        assert self._transport is not None
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Caller:
    """Requests one after another, each awaited."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._connection: Connection | None = None

    @classmethod
    async def open(cls, address: Address) -> Self:
        caller = cls()
        caller._connection = await Connection.open(address, caller._answered)
        caller._connection.lost = caller._lost
        return caller

    async def ask(self, request: bytes, expect: int) -> bytes:
        assert self._connection is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._connection.send(request)
        async with asyncio.timeout(WITHIN_S):
            status, body = await self._answer
        if status != expect:
            raise Refused(f"{status}: {body[:300].decode(errors='replace')}")
        return body

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _answered(self, status: int, body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))

    def _lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError())


class Volley:
    """Requests over several connections, each sent as soon as the one before is answered."""

    def __init__(self, requests: Iterator[bytes], expect: int, until: float) -> None:
        self._requests, self._expect, self._until = requests, expect, until
        self._seconds: list[float] = []
        self._bodies: list[bytes] = []
        self._refusals: list[bytes] = []
        self._open = 0
        self._done = asyncio.get_running_loop().create_future()

    async def fire(self, address: Address, connections: int) -> Sample:
        lines = [await Connection.open(address, _unasked) for _ in range(connections)]
        stamp, began = time.time(), time.perf_counter()
        self._until += began
        self._open = connections
        for line in lines:
            self._begin(line)
        try:
            async with asyncio.timeout(self._until - began + WITHIN_S):
                ended = await self._done
        finally:
            for line in lines:
                line.close()
        return Sample(self._seconds, self._refusals, ended - began, self._bodies, stamp)

    def _begin(self, line: Connection) -> None:
        sent = 0.0

        def go_on() -> None:
            nonlocal sent
            sent = time.perf_counter()
            request = next(self._requests, None) if sent < self._until else None
            if request is not None:
                line.send(request)
                return
            self._open -= 1
            if not self._open:
                self._done.set_result(sent)

        def answered(status: int, body: bytes) -> None:
            if status == self._expect:
                self._seconds.append(time.perf_counter() - sent)
                self._bodies.append(body)
            else:
                self._refusals.append(body)
            go_on()

        def lost(error: Exception | None) -> None:
            if not self._done.done():
                self._done.set_exception(error or ConnectionResetError())

        line.answered, line.lost = answered, lost
        go_on()


async def fire(
    address: Address,
    requests: Iterator[bytes],
    *,
    connections: int = 64,
    expect: int = 202,
    within_s: float = WITHIN_S,
) -> Sample:
    """Send requests as fast as they are answered, until there are none or the time is over."""
    return await Volley(requests, expect, within_s).fire(address, connections)


def request(method: str, path: str, body: bytes = b"", *, token: str | None = None) -> bytes:
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{bearer}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def upload_head(path: str, size: int, *, token: str | None = None) -> bytes:
    """A request for so many bytes, after which the connection is closed."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\n{bearer}Connection: close\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


def quantile_ms(seconds: list[float], q: float) -> float:
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at < 0:
        if b"transfer-encoding" in lowered:
            raise Refused("an answer in chunks is not read here")
        return 0
    end = lowered.find(b"\r\n", at + 2)
    return int(lowered[at + 17 : end if end >= 0 else None])


def _ignore(_: Exception | None) -> None:
    pass


def _unasked(status: int, _: bytes) -> None:
    raise Refused(f"an answer nobody asked for: {status}")
