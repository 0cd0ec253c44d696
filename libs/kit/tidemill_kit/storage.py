"""S3: streams in, streams out, presigned links."""

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote
from xml.sax.saxutils import escape, unescape

from tidemill_kit import s3
from tidemill_kit.s3 import S3, ObjectMissing, StorageAway
from tidemill_kit.settings import Settings
from tidemill_kit.signing import SigningKey

PART_BYTES = 8 * 1024 * 1024
LINK_SECONDS = 300


class Storage:
    """The object store: bytes by its own address, links by the gateway's."""

    def __init__(self, objects: S3, public_url: str, key: SigningKey) -> None:
        self.objects = objects
        self._public_url = public_url
        self._key = key

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncGenerator[Self]:
        key = SigningKey(settings.s3_access_key, settings.s3_secret_key, settings.s3_region)
        async with S3.open(settings.s3_endpoint, key) as objects:
            yield cls(objects, settings.public_url, key)

    async def put_bytes(self, bucket: str, key: str, body: bytes) -> str:
        """Store a small object; answers its sha256 in hex."""
        await self.objects.call("PUT", bucket, key, body=body)
        return hashlib.sha256(body).hexdigest()

    async def put_file(self, bucket: str, key: str, path: Path) -> tuple[int, str]:
        """Store a file in parts; answers its size in bytes and its sha256 in hex."""
        return await self.put_stream(bucket, key, _chunks(path))

    async def put_stream(
        self,
        bucket: str,
        key: str,
        chunks: AsyncIterator[bytes],
    ) -> tuple[int, str]:
        """Store what comes, in flat memory; nothing is visible unless the stream ends well."""
        upload = _Upload(self.objects, bucket, key)
        try:
            async for chunk in chunks:
                await upload.add(chunk)
            return await upload.complete()
        except BaseException:
            await upload.abort()
            raise

    async def get_bytes(self, bucket: str, key: str) -> bytes:
        _, body = await self.objects.call("GET", bucket, key)
        return body

    async def get_file(self, bucket: str, key: str, path: Path) -> str:
        """Fetch an object into a file; answers the sha256 of what came."""
        digest = hashlib.sha256()
        async with self.objects.answer("GET", bucket, key) as answer:
            with path.open("wb") as out:
                async for chunk in answer.content.iter_chunked(1024 * 1024):
                    digest.update(chunk)
                    out.write(chunk)
        return digest.hexdigest()

    async def delete(self, bucket: str, key: str) -> None:
        await self.objects.call("DELETE", bucket, key)

    async def exists(self, bucket: str, key: str) -> bool:
        try:
            await self.objects.call("HEAD", bucket, key)
        except ObjectMissing:
            return False
        return True

    async def link(self, bucket: str, key: str, *, filename: str, media_type: str) -> str:
        """A link through the gateway to one object, good for five minutes."""
        query = {
            "response-content-disposition": disposition(filename),
            "response-content-type": media_type,
        }
        return s3.link(
            self._public_url, self._key, bucket, key, query=query, expires_s=LINK_SECONDS
        )


def disposition(filename: str) -> str:
    """An attachment header that any file name survives (RFC 6266, RFC 8187)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


class _Upload:
    """A multipart upload in progress; a short one becomes a single PUT."""

    def __init__(self, store: S3, bucket: str, key: str) -> None:
        self._store = store
        self._place = (bucket, key)
        self._digest = hashlib.sha256()
        self._size = 0
        self._buffer = bytearray()
        self._tags: list[str] = []
        self._upload_id: str | None = None

    async def add(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._size += len(chunk)
        self._buffer += chunk
        while len(self._buffer) >= PART_BYTES:
            await self._send(bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]

    async def complete(self) -> tuple[int, str]:
        if self._upload_id is None:
            await self._store.call("PUT", *self._place, body=bytes(self._buffer))
            return self._size, self._digest.hexdigest()
        if self._buffer:
            await self._send(bytes(self._buffer))
        query = {"uploadId": self._upload_id}
        await self._store.call("POST", *self._place, query=query, body=_manifest(self._tags))
        return self._size, self._digest.hexdigest()

    async def abort(self) -> None:
        if self._upload_id is not None:
            await self._store.call("DELETE", *self._place, query={"uploadId": self._upload_id})

    async def _send(self, body: bytes) -> None:
        if self._upload_id is None:
            self._upload_id = await self._begin()
        query = {"partNumber": str(len(self._tags) + 1), "uploadId": self._upload_id}
        headers, _ = await self._store.call("PUT", *self._place, query=query, body=body)
        self._tags.append(headers["ETag"])

    async def _begin(self) -> str:
        _, answer = await self._store.call("POST", *self._place, query={"uploads": ""})
        found = _UPLOAD_ID.search(answer)
        if found is None:
            raise StorageAway("no upload id")
        return unescape(found[1].decode())


_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")


def _manifest(tags: list[str]) -> bytes:
    """The parts of an upload, as CompleteMultipartUpload wants them."""
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
        for number, tag in enumerate(tags, 1)
    )
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(1024 * 1024):
            yield chunk
