"""What comes back: a value, or bytes behind a presigned link."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import httpx
import msgspec

from tidemill_client import problems
from tidemill_client.gateway import JSON, Gateway

PIECE_BYTES = 1 << 20
NOT_YET_S = 1.0
DIGEST = "Tm-Sha256"


class Download:
    """One output; following the link shows no token to whoever keeps the bytes."""

    def __init__(
        self,
        gateway: Gateway,
        path: str,
        *,
        format: str | None = None,  # noqa: A002 - the API's word
        safe: bool = False,
    ) -> None:
        self._gateway = gateway
        self._path = path
        self._query = {"format": format, "safe": "true" if safe else None}
        self._recorded: str | None = None

    async def value(self) -> Any:
        """The JSON value, or the bytes where the output is none."""
        async with self._opened() as response:
            content = await response.aread()
            if _is_json(response) and self._query["format"] is None:
                return msgspec.json.decode(content)
            return content

    async def save(self, to: Path, *, sha256: str | None = None) -> Path:
        """The bytes as this file, which appears when it is whole and has the recorded hash."""
        found = hashlib.sha256()
        with appearing(to) as file:
            async for piece in self.pieces():
                found.update(piece)
                await asyncio.to_thread(file.write, piece)
            for recorded in (sha256, self._recorded):
                if recorded not in (None, found.hexdigest()):
                    told = f"sha256 is {found.hexdigest()}, recorded is {recorded}"
                    raise problems.Corrupted(told)
        return to

    async def pieces(self) -> AsyncIterator[bytes]:
        async with self._opened() as response:
            async for piece in response.aiter_bytes(PIECE_BYTES):
                yield piece

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[httpx.Response]:
        answer = await self._ready()
        if answer.is_redirect:
            self._recorded = answer.headers.get(DIGEST)
            async with self._gateway.fetch(answer.headers["Location"]) as response:
                yield response
        else:
            yield answer

    async def _ready(self) -> httpx.Response:
        """The answer that holds the output or its link; until it is made there is 202."""
        while True:
            answer = await self._gateway.send("GET", self._path, query=self._query)
            if answer.status_code != HTTPStatus.ACCEPTED:
                return answer
            await asyncio.sleep(problems.retry_after(answer) or NOT_YET_S)


def _is_json(response: httpx.Response) -> bool:
    return response.headers.get("Content-Type", "").partition(";")[0].strip() == JSON


@contextmanager
def appearing(to: Path) -> Generator[IO[bytes]]:
    """A file that takes its name once it is whole, and leaves nothing behind if it is not.

    A pipe, a device and a link (`/dev/stdout`) stay what they are and are written as it comes.
    """
    if to.is_symlink() or (to.exists() and not to.is_file()):
        with to.open("wb") as stream:
            yield stream
        return
    partial = to.with_name(f".{to.name}.{uuid4().hex[:8]}.part")
    try:
        with partial.open("xb") as file:
            yield file
        partial.replace(to)
    finally:
        partial.unlink(missing_ok=True)
