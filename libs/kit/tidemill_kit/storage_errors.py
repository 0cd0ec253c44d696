"""What the object store refuses or leaves unanswered, in our words."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import ClientError as TransferBroken
from botocore.exceptions import BotoCoreError, ClientError

from tidemill_kit.disk import Disk
from tidemill_kit.errors import NotFound, Unavailable

# Amazon is never full; these are MinIO's disk and quota, Ceph's quota and OBS' quota
_FULL = frozenset(
    {
        "XMinioStorageFull",
        "XMinioAdminBucketQuotaExceeded",
        "QuotaExceeded",
        "InsufficientStorageSpace",
    }
)
_MISSING = frozenset({"NoSuchKey", "404", "NoSuchUpload", "NotFound"})


class ObjectMissing(NotFound):
    """The object is not in the store."""


class StorageAway(Unavailable):
    """The object store does not answer."""


class NoRoomInStore(StorageAway):
    """The object store has no room for it."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    retry_after_s = 60


def check_room(disk: Disk, size_bytes: int) -> None:
    """Raise NoRoomInStore where it is known that so much does not fit."""
    if lack := disk.lack(size_bytes):
        raise NoRoomInStore(lack)


@asynccontextmanager
async def within(seconds: float | None) -> AsyncGenerator[None]:
    """Turn the client library's errors into ours; whatever takes longer is away, too.

    The library's own timeouts know neither a body that is not taken nor a wait for a connection.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except ClientError as error:
        raise _told(error) from error
    except (BotoCoreError, TransferBroken, OSError) as error:
        raise StorageAway(type(error).__name__) from error


def _told(error: ClientError) -> NotFound | StorageAway:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _MISSING:
        return ObjectMissing(code)
    answer = error.response.get("ResponseMetadata", {})
    full = answer.get("HTTPStatusCode") == HTTPStatus.INSUFFICIENT_STORAGE
    return NoRoomInStore(code) if full or code in _FULL else StorageAway(code)
