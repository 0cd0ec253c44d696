"""Calls over HTTP: authorisation, renewal, another try where that is safe, refusals as errors."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, overload

import httpx
import msgspec
from msgspec import Struct

from tidemill_client import pace, problems
from tidemill_client.keyring import MARGIN_S, Keyring, granted
from tidemill_contracts.identity import RefreshSession, TokenPair

JSON = "application/json"
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
POLITE_S = 30.0


class Body(Struct, frozen=True):
    """What a request carries; `content` is made anew for each try, None if that cannot be."""

    content: Callable[[], Any]
    media_type: str = JSON
    size_bytes: int | None = None
    repeatable: bool = True


def json_body(order: Struct | None) -> Body | None:
    """An order as JSON, without what it leaves at its default."""
    if order is None:
        return None
    encoded = msgspec.json.encode(_given(order))
    return Body(lambda: encoded, size_bytes=len(encoded))


class Gateway:
    """One Tidemill, as its gateway shows it."""

    def __init__(self, url: str, keyring: Keyring, *, timeout_s: float, retries: int) -> None:
        self.url = url.rstrip("/")
        self.keyring = keyring
        self.retries = retries
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
            # a proxy of the environment knows no loopback address of ours
            trust_env=not is_loopback(self.url),
            headers={"Accept": JSON},
        )

    async def close(self) -> None:
        await self._http.aclose()

    @overload
    async def call[T](self, method: str, path: str, kind: type[T], **options: Any) -> T: ...
    @overload
    async def call(self, method: str, path: str, kind: None = None, **options: Any) -> None: ...
    async def call(
        self, method: str, path: str, kind: type[Any] | None = None, **options: Any
    ) -> Any:
        """The answer as this type; options are those of `send`."""
        response = await self.send(method, path, **options)
        try:
            return msgspec.json.decode(response.content, type=kind) if kind else None
        except msgspec.MsgspecError as error:
            raise problems.Misread(f"the answer to {method} {path}: {error}") from error

    async def send(
        self,
        method: str,
        path: str,
        *,
        order: Struct | None = None,
        body: Body | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        signed: bool = True,
    ) -> httpx.Response:
        """The whole response, if it is no refusal; a redirect is an answer."""
        carried = body or json_body(order)
        request = self._request(method, path, carried, query=query or {}, headers=headers or {})
        async with self._answered(request, carried, signed=signed) as response:
            await response.aread()
            return response

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncGenerator[httpx.Response]:
        """A stream from a presigned link: it carries its own right and must not see ours."""
        request = self._http.build_request("GET", httpx.URL(self.url).join(url))
        async with self._answered(request, None, signed=False) as response:
            yield response

    async def store(self, url: str, body: Body) -> None:
        """Send a body to a presigned link, as often as it takes; it must not see our token."""
        size = {"Content-Type": body.media_type, "Content-Length": str(body.size_bytes)}
        link = httpx.URL(self.url).join(url)
        request = self._http.build_request("PUT", link, headers=size)
        async with self._answered(request, body, signed=False):
            return

    async def token(self, *, unlike: str | None = None) -> str | None:
        """An access token that lasts a while; `unlike` is one that was refused."""
        grant = self.keyring.grant
        if grant is None or (
            grant.access_token != unlike and not grant.ends_within(MARGIN_S, at=time.time())
        ):
            return grant.access_token if grant else None
        async with self.keyring.turn():
            latest = self.keyring.grant
            if latest is None or latest.refresh_token is None:
                return latest.access_token if latest else None
            if latest.access_token == grant.access_token:
                order = RefreshSession(latest.refresh_token)
                path = "/v1/auth/refresh"
                pair = await self.call("POST", path, TokenPair, order=order, signed=False)
                self.keyring.keep(latest := granted(pair))
            return latest.access_token

    def _request(
        self,
        method: str,
        path: str,
        body: Body | None,
        *,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> httpx.Request:
        given = {name: value for name, value in query.items() if value is not None}
        carried: dict[str, str] = {}
        if body:
            carried["Content-Type"] = body.media_type
            if body.size_bytes is not None:
                carried["Content-Length"] = str(body.size_bytes)
        return self._http.build_request(
            method, self.url + path, params=given, headers={**carried, **headers}
        )

    @asynccontextmanager
    async def _answered(
        self, request: httpx.Request, body: Body | None, *, signed: bool
    ) -> AsyncGenerator[httpx.Response]:
        response = await self._tried(request, body, signed=signed)
        try:
            if response.is_error:
                await response.aread()
                raise problems.read(response)
            yield response
        except httpx.TransportError as error:
            raise self._explained(error) from error
        finally:
            await response.aclose()

    async def _tried(
        self, request: httpx.Request, body: Body | None, *, signed: bool
    ) -> httpx.Response:
        safe = request.method in REPEATABLE or "Idempotency-Key" in request.headers
        again = body is None or body.repeatable
        refused: str | None = None
        failures = 0
        while True:
            token = await self.token(unlike=refused) if signed else None
            last = not (safe and again) or failures >= self.retries
            try:
                response = await self._http.send(_renewed(request, body, token), stream=True)
            except httpx.ConnectError as error:
                raise self._explained(error) from error
            except httpx.TransportError as error:
                if last:
                    raise self._explained(error) from error
                wait_s = pace.delay(failures)
            else:
                stale = response.status_code == HTTPStatus.UNAUTHORIZED and token is not None
                if stale and again and refused is None and self._renews:
                    await response.aclose()
                    refused = token
                    continue
                if response.status_code not in BUSY or last:
                    return response
                await response.aclose()
                wait_s = min(problems.retry_after(response) or pace.delay(failures), POLITE_S)
            failures += 1
            await asyncio.sleep(wait_s)

    @property
    def _renews(self) -> bool:
        return bool(self.keyring.grant and self.keyring.grant.refresh_token)

    def _explained(self, error: httpx.TransportError) -> problems.ClientError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return problems.Unreachable(self.url)
        if isinstance(error, httpx.TimeoutException):
            return problems.Broken(f"{self.url} did not answer in time")
        return problems.Broken(f"the connection to {self.url} broke: {error or type(error)}")


def is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _given(order: Struct) -> dict[str, Any]:
    """The fields that differ from a bare order: an older service may not know newer ones."""
    fields = msgspec.structs.fields(order)
    return {
        field.encode_name: value
        for field in fields
        if (value := getattr(order, field.name)) is not msgspec.UNSET
        and (field.required or value != _default(field))
    }


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _renewed(request: httpx.Request, body: Body | None, token: str | None) -> httpx.Request:
    """The request with a body of its own and the token of now."""
    headers = request.headers.copy()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body and body.size_bytes is None:
        # httpx took the request for an empty one
        headers.pop("Content-Length", None)
    content = body.content() if body else None
    return httpx.Request(
        request.method, request.url, headers=headers, content=content, extensions=request.extensions
    )
