"""Who calls: the client's opening and closing, registration and sign-in."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from msgspec import Struct

from tidemill_client.gateway import Gateway
from tidemill_client.keyring import Grant, Keyring, granted
from tidemill_contracts import identity
from tidemill_contracts.ids import uuid7


class Account:
    """The part of the client that knows who calls."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        token: str | None = None,
        *,
        keyring: Keyring | None = None,
        timeout_s: float = 30.0,
        retries: int = 3,
    ) -> None:
        given = Grant(access_token=token) if token else None
        self.keyring = keyring or Keyring(given)
        self.gateway = Gateway(url, self.keyring, timeout_s=timeout_s, retries=retries)

    @property
    def url(self) -> str:
        return self.gateway.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.gateway.close()

    async def register(self, email: str, password: str) -> identity.Registration:
        """A new user with a tenant of its own; sign in next."""
        order = identity.RegisterUser(email, password)
        path = "/v1/auth/register"
        return await self.post(path, identity.Registration, order, signed=False)

    async def sign_in(self, email: str, password: str) -> identity.TokenPair:
        """From now on calls carry an access token, renewed before it ends."""
        order = identity.SignIn(email, password)
        pair = await self.gateway.call(
            "POST", "/v1/auth/token", identity.TokenPair, order=order, signed=False
        )
        self.keyring.keep(granted(pair))
        return pair

    async def sign_out(self) -> None:
        """End the session here and at the service."""
        grant = self.keyring.grant
        if grant and grant.refresh_token:
            order = identity.SignOut(grant.refresh_token)
            await self.gateway.call("POST", "/v1/auth/logout", order=order)
        self.keyring.keep(None)

    async def me(self) -> identity.User:
        return await self.get("/v1/me", identity.User)

    async def get[T](self, path: str, kind: type[T], query: Mapping[str, Any] | None = None) -> T:
        return await self.gateway.call("GET", path, kind, query=query)

    async def post[T](
        self,
        path: str,
        kind: type[T],
        order: Struct | None = None,
        *,
        key: str | None = None,
        **options: Any,
    ) -> T:
        """A call that makes something: its key lets it be repeated without making two."""
        headers = {"Idempotency-Key": key or str(uuid7())}
        return await self.gateway.call("POST", path, kind, order=order, headers=headers, **options)
