"""What the object store refuses, in our words."""

from http import HTTPStatus

from aiohttp import ClientError as TransferBroken
from botocore.exceptions import BotoCoreError, ClientError

from tidemill_kit.errors import NotFound, Unavailable

_MISSING = frozenset({"NoSuchKey", "404", "NoSuchUpload", "NotFound"})


class ObjectMissing(NotFound):
    """The object is not in the store."""


class StorageAway(Unavailable):
    """The object store does not answer."""


class NoRoomInStore(StorageAway):
    """The object store has no room for it."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


class translated:  # noqa: N801 - reads as a verb at the call
    """Turn the client library's errors into ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ClientError):
            raise _told(error) from error
        if isinstance(error, (BotoCoreError, TransferBroken, OSError)):
            raise StorageAway(type(error).__name__) from error


def _told(error: ClientError) -> NotFound | StorageAway:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _MISSING:
        return ObjectMissing(code)
    answer = error.response.get("ResponseMetadata", {})
    full = answer.get("HTTPStatusCode") == HTTPStatus.INSUFFICIENT_STORAGE
    return NoRoomInStore(code) if full else StorageAway(code)
