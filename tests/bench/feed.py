"""A WebSocket client over raw asyncio, so that reading a frame costs the bench next to nothing."""

import asyncio
import base64
import os
import time
from collections.abc import Callable
from typing import Self, cast

from tests.bench.load import Address, Refused

CONNECT_S = 10.0
LENGTH_16, LENGTH_64 = 126, 127
TEXT, PING, CLOSE, PONG = 0x1, 0x9, 0x8, 0xA


class Feed(asyncio.Protocol):
    """One WebSocket; every text frame goes to `received` with the moment it came."""

    def __init__(self, handshake: bytes, received: Callable[[bytes, float], None]) -> None:
        self._handshake = handshake
        self.received = received
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._upgraded = asyncio.get_running_loop().create_future()
        self.closed: Exception | None = None

    @classmethod
    async def open(
        cls,
        address: Address,
        path: str,
        received: Callable[[bytes, float], None],
        *,
        headers: dict[str, str] | None = None,
    ) -> Self:
        """Connected, upgraded, without compression."""
        fields = {
            "Host": "bench",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **(headers or {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        handshake = f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()
        loop = asyncio.get_running_loop()
        _, feed = await loop.create_connection(lambda: cls(handshake, received), *address)
        async with asyncio.timeout(CONNECT_S):
            await feed._upgraded
        return feed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._handshake)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        buffer = self._buffer + data if self._buffer else data
        if not self._upgraded.done():
            head = buffer.find(b"\r\n\r\n")
            if head < 0:
                self._buffer = buffer
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self._upgraded.set_exception(Refused(buffer[:300].decode(errors="replace")))
                return
            self._upgraded.set_result(None)
            buffer = buffer[head + 4 :]
        self._buffer = self._frames(buffer, now)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = exc or ConnectionResetError()
        if not self._upgraded.done():
            self._upgraded.set_exception(self.closed)

    def send(self, payload: bytes, kind: int = TEXT) -> None:
        """A frame masked with zeros, which RFC 6455 lets a client choose."""
        assert self._transport is not None
        size = len(payload)
        short = bytes((0x80 | kind, 0x80 | size)) if size < LENGTH_16 else b""
        head = short or bytes((0x80 | kind, 0x80 | LENGTH_16)) + size.to_bytes(2)
        self._transport.write(head + bytes(4) + payload)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _frames(self, buffer: bytes, now: float) -> bytes:
        """Hand out the whole frames; what is left over. Servers of events do not fragment."""
        at, size = 0, len(buffer)
        while size - at >= 2:
            length, start = buffer[at + 1], at + 2
            if length == LENGTH_16:
                length, start = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            elif length == LENGTH_64:
                length, start = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
            if size < start + length:
                break
            self._take(buffer[at] & 0x0F, buffer[start : start + length], now)
            at = start + length
        return buffer[at:]

    def _take(self, kind: int, payload: bytes, now: float) -> None:
        if kind == TEXT:
            self.received(payload, now)
        elif kind == PING:
            self.send(payload, PONG)
        elif kind == CLOSE:
            self.close()
