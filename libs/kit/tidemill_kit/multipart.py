"""An object that is sent to the store while it comes in."""

import asyncio
import base64
import hashlib
import io
import zlib
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from tidemill_kit.disk import Disk
from tidemill_kit.storage_errors import ObjectMissing, StorageAway, check_room, within

PART_BYTES = 5 * 1024 * 1024
# beyond the time of what failed: its caller is still waiting
ABORT_S = 3.0


class Multipart:
    """A multipart upload in progress; a short one becomes a single PUT.

    While a part is on its way the next one is gathered.
    """

    def __init__(self, client: Any, bucket: str, key: str, disk: Disk, timeout_s: float) -> None:
        self._client = client
        self._disk = disk
        self._timeout_s = timeout_s
        self._place: dict[str, Any] = {"Bucket": bucket, "Key": key}
        self._digest = hashlib.sha256()
        self._size = 0
        self._gathered = _Body()
        self._sending: asyncio.Task[None] | None = None
        self._parts: list[dict[str, Any]] = []
        self._upload_id: str | None = None

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def add(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._size += len(chunk)
        self._gathered.add(chunk)
        if self._gathered.size >= part_bytes(len(self._parts)):
            await self._send()

    async def complete(self) -> tuple[int, str]:
        if self._upload_id is None:
            async with self._in_time(self._gathered):
                await self._client.put_object(**self._place, **self._gathered.arguments())
            return self._size, self.sha256
        if self._gathered.size:
            await self._send()
        await self._sent()
        # many parts take the store long; it must only not be silent
        async with within(None):
            await self._client.complete_multipart_upload(
                **self._place,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
            )
        return self._size, self.sha256

    async def abort(self) -> None:
        """Let the store forget the parts; where it does not hear of it they are collected."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._upload_id is not None:
            with suppress(StorageAway, ObjectMissing):
                async with within(ABORT_S):
                    await self._client.abort_multipart_upload(
                        **self._place, UploadId=self._upload_id
                    )

    async def _send(self) -> None:
        """Set out with what is gathered, once the part before has arrived."""
        await self._sent()
        if self._upload_id is None:
            async with within(self._timeout_s):
                made = await self._client.create_multipart_upload(**self._place)
            self._upload_id = str(made["UploadId"])
        body, self._gathered = self._gathered, _Body()
        self._sending = asyncio.create_task(self._part(body))

    async def _sent(self) -> None:
        if self._sending is not None:
            await self._sending
            self._sending = None

    async def _part(self, body: "_Body") -> None:
        number = len(self._parts) + 1
        async with self._in_time(body):
            answer = await self._client.upload_part(
                **self._place, **body.arguments(), UploadId=self._upload_id, PartNumber=number
            )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def _in_time(self, body: "_Body") -> AbstractAsyncContextManager[None]:
        """For what there is room; the more of it, the longer it may take."""
        check_room(self._disk, body.size)
        return within(self._timeout_s * max(1.0, body.size / PART_BYTES))


class _Body:
    """Bytes to be sent, gathered where the client library sends them from without a copy."""

    def __init__(self) -> None:
        self.size = 0
        self._file = io.BytesIO()
        self._crc = 0

    def add(self, chunk: bytes) -> None:
        self.size += self._file.write(chunk)
        self._crc = zlib.crc32(chunk, self._crc)

    def arguments(self) -> dict[str, Any]:
        """Of a PUT, with the checksum that the store compares."""
        self._file.seek(0)
        checksum = base64.b64encode(self._crc.to_bytes(4)).decode("ascii")
        return {"Body": self._file, "ChecksumCRC32": checksum}


def part_bytes(number: int) -> int:
    """How large a part is, counted from 0: S3 takes 10,000, and 5 TiB are to go into them."""
    return PART_BYTES << number // 1_000
