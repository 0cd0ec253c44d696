"""What is uploaded: a file, bytes or a stream, sent in pieces, hashed and reported on the way."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import msgspec

from tidemill_client.gateway import Body

PIECE_BYTES = 1 << 20
RAW = "application/octet-stream"

type Source = Path | bytes | AsyncIterable[bytes]
type ProgressHook = Callable[[int, int | None], None]


class Upload:
    """One source on its way; `sha256` is that of the bytes of the last try."""

    def __init__(
        self, source: Source, *, size_bytes: int | None = None, hook: ProgressHook | None = None
    ) -> None:
        self._source = source
        self._hook = hook
        self._hash = hashlib.sha256()
        self.repeatable = isinstance(source, Path | bytes)
        self.size_bytes = size_bytes
        if isinstance(source, Path):
            self.size_bytes = source.stat().st_size
        elif isinstance(source, bytes):
            self.size_bytes = len(source)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def raw(self) -> Body:
        """The bytes as they are."""
        return Body(self._pieces, RAW, self.size_bytes, self.repeatable)

    def form(self, fields: Mapping[str, Any]) -> Body:
        """The bytes as field `file` of a form, after the fields that describe them."""
        boundary, name = uuid4().hex, _quoted(fields["name"])
        head = "".join(_field(boundary, key, _text(value)) for key, value in fields.items())
        head += _part(boundary, f'form-data; name="file"; filename="{name}"', RAW)
        opening, closing = head.encode(), f"\r\n--{boundary}--\r\n".encode()

        async def content() -> AsyncIterator[bytes]:
            yield opening
            async for piece in self._pieces():
                yield piece
            yield closing

        around = len(opening) + len(closing)
        size = None if self.size_bytes is None else self.size_bytes + around
        return Body(content, f"multipart/form-data; boundary={boundary}", size, self.repeatable)

    async def _pieces(self) -> AsyncIterator[bytes]:
        self._hash = hashlib.sha256()
        sent = 0
        self._report(sent)
        async for piece in _read(self._source):
            self._hash.update(piece)
            yield piece
            sent += len(piece)
            self._report(sent)

    def _report(self, sent: int) -> None:
        if self._hook:
            self._hook(sent, self.size_bytes)


async def _read(source: Source) -> AsyncIterator[bytes]:
    if isinstance(source, Path):
        file: IO[Any] = await asyncio.to_thread(source.open, "rb")
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield piece
    elif isinstance(source, bytes):
        for start in range(0, len(source), PIECE_BYTES):
            yield source[start : start + PIECE_BYTES]
    else:
        async for piece in source:
            yield piece


def _part(boundary: str, disposition: str, media_type: str) -> str:
    return (
        f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {media_type}\r\n\r\n"
    )


def _field(boundary: str, key: str, value: str) -> str:
    return _part(boundary, f'form-data; name="{key}"', "text/plain; charset=utf-8") + f"{value}\r\n"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _quoted(name: str) -> str:
    """A file name as browsers escape it in a form (WHATWG HTML, multipart/form-data)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
