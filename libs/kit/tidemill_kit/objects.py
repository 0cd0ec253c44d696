"""What the keeper of a bucket does besides: objects that come in parts, listings, deletion."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

from msgspec import Struct

from tidemill_kit.storage import Storage
from tidemill_kit.storage_errors import ObjectMissing, within

DELETED_AT_ONCE = 1_000


class StoredPart(Struct, frozen=True):
    """A part that the store has."""

    number: int
    size_bytes: int
    etag: str
    stored_at: datetime


class StoredObject(Struct, frozen=True):
    """An object as a listing shows it."""

    key: str
    size_bytes: int
    stored_at: datetime


class OpenParts(Struct, frozen=True):
    """An object whose parts were never put together."""

    key: str
    parts_id: str
    begun_at: datetime


class Objects(Storage):
    """The object store, for a service that answers for all of a bucket."""

    async def begin_parts(self, bucket: str, key: str) -> str:
        """Begin an object that comes in parts; answers the store's name for it."""
        async with self._in_time():
            made = await self._client.create_multipart_upload(Bucket=bucket, Key=key)
        return str(made["UploadId"])

    async def part_link(
        self,
        bucket: str,
        key: str,
        parts_id: str,
        *,
        number: int,
        size_bytes: int,
        seconds: int,
    ) -> str:
        """A link through the gateway that takes this part by PUT, with this length and no other."""
        place = {"Bucket": bucket, "Key": key, "UploadId": parts_id}
        return await self._signer.generate_presigned_url(
            "upload_part",
            Params={**place, "PartNumber": number, "ContentLength": size_bytes},
            ExpiresIn=seconds,
        )

    async def parts(self, bucket: str, key: str, parts_id: str) -> list[StoredPart]:
        """The parts that are there; ObjectMissing where they are put together or given up."""
        place = {"Bucket": bucket, "Key": key, "UploadId": parts_id}
        found: list[StoredPart] = []
        marker = 0
        while True:
            async with self._in_time():
                page = await self._client.list_parts(**place, PartNumberMarker=marker)
            for part in page.get("Parts", []):
                size, etag, moment = part["Size"], part["ETag"], part["LastModified"]
                found.append(StoredPart(part["PartNumber"], size, etag, moment))
            if not page.get("IsTruncated") or not page.get("Parts"):
                return found
            marker = found[-1].number

    async def finish_parts(
        self,
        bucket: str,
        key: str,
        parts_id: str,
        parts: list[StoredPart],
    ) -> None:
        """Put the parts together: from now on there is an object."""
        chosen = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        async with within(None):
            await self._client.complete_multipart_upload(
                Bucket=bucket,
                Key=key,
                UploadId=parts_id,
                MultipartUpload={"Parts": chosen},
            )

    async def abort_parts(self, bucket: str, key: str, parts_id: str) -> None:
        """Give the parts up; nothing happens where there are none any more."""
        try:
            async with self._in_time():
                await self._client.abort_multipart_upload(
                    Bucket=bucket,
                    Key=key,
                    UploadId=parts_id,
                )
        except ObjectMissing:
            return

    async def folders(self, bucket: str, prefix: str) -> AsyncGenerator[list[str]]:
        """What lies directly below a prefix, as prefixes, by the page."""
        async for page in self._pages(bucket, prefix, Delimiter="/"):
            yield [each["Prefix"] for each in page.get("CommonPrefixes", [])]

    async def below(self, bucket: str, prefix: str) -> AsyncGenerator[list[StoredObject]]:
        """All objects below a prefix, by the page."""
        async for page in self._pages(bucket, prefix):
            yield [
                StoredObject(each["Key"], each["Size"], each["LastModified"])
                for each in page.get("Contents", [])
            ]

    async def open_parts(self, bucket: str) -> AsyncGenerator[OpenParts]:
        """Every object whose parts were neither put together nor given up."""
        after: dict[str, Any] = {}
        while True:
            async with self._in_time():
                page = await self._client.list_multipart_uploads(Bucket=bucket, **after)
            for each in page.get("Uploads", []):
                yield OpenParts(each["Key"], each["UploadId"], each["Initiated"])
            if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
                return
            after = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page.get("NextUploadIdMarker", ""),
            }

    async def delete_all(self, bucket: str, keys: list[str]) -> None:
        """Delete objects; those that are gone already do not matter."""
        for start in range(0, len(keys), DELETED_AT_ONCE):
            chosen = [{"Key": key} for key in keys[start : start + DELETED_AT_ONCE]]
            async with self._in_time():
                await self._client.delete_objects(
                    Bucket=bucket,
                    Delete={"Objects": chosen, "Quiet": True},
                )

    async def _pages(self, bucket: str, prefix: str, **options: Any) -> AsyncGenerator[Any]:
        after: dict[str, Any] = {}
        while True:
            async with self._in_time():
                page = await self._client.list_objects_v2(
                    Bucket=bucket,
                    Prefix=prefix,
                    **options,
                    **after,
                )
            yield page
            if not page.get("IsTruncated"):
                return
            after = {"ContinuationToken": page["NextContinuationToken"]}
