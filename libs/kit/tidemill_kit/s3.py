"""Requests to an S3 store: signed, tried again where the store is at fault, errors as ours.

By hand, because a client library that knows all of AWS keeps 25 MB in each process that has it.
"""

import asyncio
import hashlib
import random
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Self
from urllib.parse import quote, urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector
from yarl import URL

from tidemill_kit.errors import NotFound, Unavailable
from tidemill_kit.signing import SigningKey, encoded, signed_headers, signed_query

TRIES = 3
FIRST_PAUSE_S = 0.1
CONNECTIONS = 16
_REFUSED = 400
_MISSING = frozenset({"NoSuchKey", "NoSuchUpload", "NotFound", "404"})
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_CODE = re.compile(rb"<Error>.*?<Code>\s*(\w+)\s*</Code>", re.DOTALL)


class ObjectMissing(NotFound):
    """The object is not in the store."""


class StorageAway(Unavailable):
    """The object store does not answer."""


class S3:
    """One store, asked at its endpoint with one key; buckets are part of the path."""

    def __init__(self, session: ClientSession, endpoint: str, key: SigningKey) -> None:
        self._session = session
        self._endpoint = endpoint.rstrip("/")
        self._key = key

    @classmethod
    @asynccontextmanager
    async def open(cls, endpoint: str, key: SigningKey) -> AsyncGenerator[Self]:
        # the store's bytes as they are: a digest is over what was kept
        session = ClientSession(
            connector=TCPConnector(limit=CONNECTIONS),
            timeout=ClientTimeout(total=None, sock_connect=3, sock_read=15),
            headers={"accept-encoding": "identity"},
            skip_auto_headers=("content-type", "user-agent"),
            auto_decompress=False,
            read_bufsize=1024 * 1024,
        )
        async with session:
            yield cls(session, endpoint, key)

    async def call(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> tuple[Mapping[str, str], bytes]:
        """The headers and the body of the answer; ObjectMissing or StorageAway where it is none."""
        async with self.answer(method, bucket, key, query=query, body=body) as response:
            answer = await response.read()
            # some operations are refused after their 200 was sent
            if method == "POST" and (found := _CODE.search(answer)):
                raise StorageAway(found[1].decode())
            return response.headers, answer

    @asynccontextmanager
    async def answer(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> AsyncGenerator[ClientResponse]:
        """The answer, its body unread; also what fails while that is read becomes StorageAway."""
        try:
            response = await self._send(method, _path(bucket, key), query or {}, body)
            async with response:
                if response.status >= _REFUSED:
                    raise _refusal(response.status, await response.read())
                yield response
        except (ClientError, OSError) as error:
            raise StorageAway(type(error).__name__) from error

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
    ) -> ClientResponse:
        """Try until the store answers for itself, or once too often."""
        address = URL(f"{self._endpoint}{path}?{encoded(query)}".rstrip("?"), encoded=True)
        host, sha256 = urlsplit(self._endpoint).netloc, hashlib.sha256(body).hexdigest()
        for attempt in range(1, TRIES + 1):
            headers = signed_headers(
                self._key, method, path, headers={"host": host}, query=query, sha256=sha256
            )
            try:
                response = await self._session.request(
                    method,
                    address,
                    headers=headers,
                    data=BytesIO(body) if body else None,
                    allow_redirects=False,
                )
            except (ClientError, TimeoutError):
                if attempt == TRIES:
                    raise
            else:
                if response.status not in _BUSY or attempt == TRIES:
                    return response
                response.release()
            await asyncio.sleep(random.uniform(0.5, 1) * FIRST_PAUSE_S * 2**attempt)  # noqa: S311 - jitter
        raise StorageAway


def link(
    endpoint: str,
    key: SigningKey,
    bucket: str,
    name: str,
    *,
    query: Mapping[str, str],
    expires_s: int,
) -> str:
    """A link that fetches one object, good at this endpoint alone."""
    path, host = _path(bucket, name), urlsplit(endpoint).netloc
    signed = signed_query(key, "GET", path, host=host, query=query, expires_s=expires_s)
    return f"{endpoint.rstrip('/')}{path}?{signed}"


def _path(bucket: str, key: str) -> str:
    return quote(f"/{bucket}/{key}", safe="/")


def _refusal(status: int, body: bytes) -> ObjectMissing | StorageAway:
    found = _CODE.search(body)
    code = found[1].decode() if found else str(status)
    return (ObjectMissing if code in _MISSING else StorageAway)(code)
