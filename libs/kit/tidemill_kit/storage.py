"""S3: streams in, streams out, presigned links."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from litestar import Litestar

from tidemill_kit.disk import Disk
from tidemill_kit.multipart import Multipart
from tidemill_kit.settings import Settings
from tidemill_kit.storage_errors import ObjectMissing, check_room, within

LINK_SECONDS = 300
# beside a link to an object: what its bytes must come to
DIGEST = "Tm-Sha256"


class Storage:
    """The object store, with one client for bytes and one that signs links for the gateway."""

    def __init__(self, client: Any, signer: Any, settings: Settings) -> None:
        self._client = client
        self._signer = signer
        self._disk = Disk(settings)
        self._timeout_s = settings.s3_timeout_s

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncGenerator[Self]:
        # one session: each would load a description of S3 of its own, 11 MB
        session = get_session()
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                _client(session, settings, settings.s3_endpoint),
            )
            signer = await stack.enter_async_context(
                _client(session, settings, settings.public_url),
            )
            yield cls(client, signer, settings)

    async def put_bytes(self, bucket: str, key: str, body: bytes) -> str:
        """Store a small object; answers its sha256 in hex."""
        check_room(self._disk, len(body))
        async with self._in_time():
            await self._client.put_object(Bucket=bucket, Key=key, Body=body)
        return hashlib.sha256(body).hexdigest()

    async def put_file(self, bucket: str, key: str, path: Path) -> tuple[int, str]:
        """Store a file in parts; answers its size in bytes and its sha256 in hex."""
        return await self.put_stream(bucket, key, _chunks(path))

    async def put_stream(
        self,
        bucket: str,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        check: Callable[[str], None] | None = None,
    ) -> tuple[int, str]:
        """Store what comes, in flat memory; nothing is visible unless the stream ends well.

        `check` is told the sha256 of all that came, and may refuse it by raising.
        """
        upload = Multipart(self._client, bucket, key, self._disk, self._timeout_s)
        try:
            async for chunk in chunks:
                await upload.add(chunk)
            if check is not None:
                check(upload.sha256)
            return await upload.complete()
        except BaseException:
            await upload.abort()
            raise

    async def get_bytes(self, bucket: str, key: str) -> bytes:
        return b"".join([chunk async for chunk in self.read(bucket, key)])

    async def read(self, bucket: str, key: str) -> AsyncGenerator[bytes]:
        """An object's bytes, a mebibyte at a time."""
        async with self._in_time():
            answer = await self._client.get_object(Bucket=bucket, Key=key)
        # however long it takes, as long as something comes
        async with within(None), answer["Body"] as body:
            async for chunk in body.iter_chunks(1024 * 1024):
                yield chunk

    async def get_file(self, bucket: str, key: str, path: Path) -> str:
        """Fetch an object into a file; answers the sha256 of what came."""
        digest = hashlib.sha256()
        with path.open("wb") as out:
            async for chunk in self.read(bucket, key):
                digest.update(chunk)
                out.write(chunk)
        return digest.hexdigest()

    async def delete(self, bucket: str, key: str) -> None:
        async with self._in_time():
            await self._client.delete_object(Bucket=bucket, Key=key)

    async def size_of(self, bucket: str, key: str) -> int | None:
        """How large an object is; None where there is none."""
        try:
            async with self._in_time():
                head = await self._client.head_object(Bucket=bucket, Key=key)
        except ObjectMissing:
            return None
        return int(head["ContentLength"])

    async def exists(self, bucket: str, key: str) -> bool:
        return await self.size_of(bucket, key) is not None

    def check_room(self, size_bytes: int) -> None:
        """Raise NoRoomInStore where it is known that so much does not fit."""
        check_room(self._disk, size_bytes)

    async def link(self, bucket: str, key: str, *, filename: str, media_type: str) -> str:
        """A link through the gateway to one object, good for five minutes."""
        return await self._signer.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": bucket,
                "Key": key,
                "ResponseContentDisposition": disposition(filename),
                "ResponseContentType": media_type,
            },
            ExpiresIn=LINK_SECONDS,
        )

    async def permit(self, bucket: str, key: str, *, method: str, seconds: float) -> str:
        """A link past the gateway that allows whoever has it one method on one object."""
        params = {"Bucket": bucket, "Key": key}
        return await self._client.generate_presigned_url(
            method, Params=params, ExpiresIn=int(seconds)
        )

    def _in_time(self) -> AbstractAsyncContextManager[None]:
        return within(self._timeout_s)


def disposition(filename: str) -> str:
    """An attachment header that any file name survives (RFC 6266, RFC 8187)."""
    from urllib.parse import quote

    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def lifespan(
    settings: Settings,
    kind: type[Storage] = Storage,
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Opens `app.state.storage`; only services that store objects carry its library."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with kind.open(settings) as opened:
            app.state.storage = opened
            yield

    return lifespan


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(1024 * 1024):
            yield chunk


def _client(session: AioSession, settings: Settings, endpoint: str) -> Any:
    # SigV4 and path style: the older signature refuses a file name in the link
    config = AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path", "payload_signing_enabled": False},
        connect_timeout=3,
        # time for a second try, on a connection that is alive
        read_timeout=settings.s3_timeout_s / 2,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=16,
    )
    return session.create_client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        config=config,
    )
