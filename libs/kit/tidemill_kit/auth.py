"""Access tokens and API keys: from a bearer header to a Principal."""

import asyncio
import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import aiohttp
import jwt
import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from msgspec.structs import replace

from tidemill_contracts.access import KeyGrant
from tidemill_contracts.identity import Principal, Role
from tidemill_kit.errors import Forbidden, NotSignedIn, TooMany
from tidemill_kit.exchange import KEY_PREFIX, ApiKeyInvalid, Exchange, IdentityAway, at_identity
from tidemill_kit.settings import Settings

TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's media type
REMEMBERED_S = 60.0
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "sid", "tenant", "role"]
_FORGET_ABOVE = 50_000
_REFUSED_S = 10.0
# no access token lives longer
_LONGEST_S = 3_600.0


class TokenExpired(NotSignedIn):
    """The token has expired."""


class TooManyRequests(TooMany):
    """Your tenant sends more requests than allowed."""


class Keys(Protocol):
    """Where the public keys come from."""

    async def find(self, kid: str) -> Any:
        """The public key of this id; NotSignedIn where there is none."""
        ...


class PublishedKeys:
    """Identity's JWKS, kept, and fetched again for an unknown key at most once in 10 s."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, Any] = {}
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> Any:
        if kid not in self._keys:
            async with self._lock:
                if kid not in self._keys and time.monotonic() - self._fetched > _REFETCH_S:
                    await self._fetch()
        if kid not in self._keys:
            raise NotSignedIn
        return self._keys[kid]

    async def learn(self) -> None:
        """Fetch them before the first request, trying until identity answers."""
        while not self._keys:
            with suppress(IdentityAway):
                async with self._lock:
                    await self._fetch()
                return
            await asyncio.sleep(_LEARN_S)

    async def _fetch(self) -> None:
        limit = aiohttp.ClientTimeout(total=3)
        try:
            async with aiohttp.ClientSession(timeout=limit) as session, session.get(self._url) as r:
                r.raise_for_status()
                found = msgspec.json.decode(await r.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise IdentityAway from error
        self._keys = {key["kid"]: jwt.PyJWK(key, "EdDSA").key for key in found["keys"]}
        self._fetched = time.monotonic()


_REFETCH_S = 10.0
_LEARN_S = 1.0


class Authenticator:
    """Checks tokens; one that was good is remembered by its hash for a minute.

    API keys are exchanged for such tokens; one that is refused is not asked for again so soon.
    """

    def __init__(self, settings: Settings, keys: Keys | None = None) -> None:
        self._keys = keys or PublishedKeys(settings.jwks_url)
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._known: dict[bytes, tuple[float, Principal]] = {}
        self._revoked: dict[UUID, float] = {}
        self._refused: dict[bytes, float] = {}
        self._asked: dict[bytes, asyncio.Future[KeyGrant]] = {}
        self._tenant_requests = settings.tenant_requests
        self._second = 0
        self._sent: dict[UUID, int] = {}
        self.exchange: Exchange = at_identity(settings.jwks_url)

    async def learn(self) -> None:
        """Have the keys before the first request, so that identity may be away for it."""
        if isinstance(self._keys, PublishedKeys):
            await self._keys.learn()

    async def principal(self, token: str) -> Principal:
        """Whom this token or key speaks for; NotSignedIn or TokenExpired where it is not good."""
        if known := self.known(token):
            return known
        if token.startswith(KEY_PREFIX):
            grant = await self._exchanged(token)
            found = await self._verify(grant.access_token)
            shown = replace(found, expires_at=grant.good_until)
        else:
            shown = found = await self._verify(token)
        if found.session_id in self._revoked:
            raise NotSignedIn
        if len(self._known) > _FORGET_ABOVE:
            self._known.clear()
        left_s = found.expires_at.timestamp() - time.time()
        self._known[_digest(token)] = (time.monotonic() + min(REMEMBERED_S, left_s), shown)
        return shown

    def known(self, token: str) -> Principal | None:
        """Whom this token speaks for, if that was found out a moment ago."""
        until, principal = self._known.get(_digest(token), _UNKNOWN)
        return principal if until > time.monotonic() else None

    def admits(self, principal: Principal) -> bool:
        """Whether the tenant may send one more request this second, to this process."""
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._sent.clear()
        self._sent[principal.tenant_id] = sent = self._sent.get(principal.tenant_id, 0) + 1
        return sent <= self._tenant_requests

    def hands_on(self, principal: Principal) -> None:
        """A request that was admitted is asked about again elsewhere; it counts once."""
        self._sent[principal.tenant_id] = max(0, self._sent.get(principal.tenant_id, 0) - 1)

    def revoke(self, *session_ids: UUID) -> None:
        """Refuse what is signed for these sessions or keys from now on; that lives for minutes."""
        moment = time.monotonic()
        if len(self._revoked) > _FORGET_ABOVE:
            longest = moment - _LONGEST_S
            self._revoked = {k: at for k, at in self._revoked.items() if at > longest}
        self._revoked |= dict.fromkeys(session_ids, moment)
        self._known = {k: v for k, v in self._known.items() if v[1].session_id not in session_ids}

    async def _exchanged(self, key: str) -> KeyGrant:
        """What identity says of a key; many who ask at once ask once."""
        place = _digest(key)
        if self._refused.get(place, 0.0) > time.monotonic():
            raise ApiKeyInvalid
        asked = self._asked.get(place)
        if asked is None:
            asked = self._asked[place] = asyncio.ensure_future(self.exchange(key))
            asked.add_done_callback(lambda _: self._asked.pop(place, None))
        try:
            return await asyncio.shield(asked)
        except NotSignedIn:
            if len(self._refused) > _FORGET_ABOVE:
                self._refused.clear()
            self._refused[place] = time.monotonic() + _REFUSED_S
            raise

    async def _verify(self, token: str) -> Principal:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TOKEN_TYPE:
                raise NotSignedIn
            key = await self._keys.find(str(header.get("kid", "")))
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": _REQUIRED},
                leeway=5,
            )
            return _principal(claims)
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired from error
        except (jwt.PyJWTError, ValueError) as error:
            raise NotSignedIn from error


_UNKNOWN: tuple[float, None] = (float("-inf"), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _principal(claims: dict[str, Any]) -> Principal:
    return Principal(
        user_id=UUID(claims["sub"]),
        tenant_id=UUID(claims["tenant"]),
        role=Role(claims["role"]),
        session_id=UUID(claims["sid"]),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        system_admin=bool(claims.get("system_admin", False)),
        by_key=bool(claims.get("by_key", False)),
    )


def bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The token of an `Authorization: Bearer` header, if there is one."""
    return bearer_in(connection.scope["headers"])


def bearer_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The same of headers as ASGI has them."""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" and token else None
    return None


async def require_role(request: Request[Any, Any, Any]) -> None:
    """Let a request pass only if its token holds the role that its route declares.

    It runs before the handler and its dependencies. A guard would do the same, but for each
    request Litestar makes a copy of the handler to show it to the guard.
    """
    role: Role | None = request.route_handler.opt.get("role")
    if role is None:
        return
    token = bearer(request)
    if token is None:
        raise NotSignedIn
    authenticator: Authenticator = request.app.state.authenticator
    principal = await authenticator.principal(token)
    if not principal.role.includes(role):
        raise Forbidden(needs=role.value)
    if not authenticator.admits(principal):
        raise TooManyRequests(limit="tenant_requests")
    request.scope["user"] = principal


def caller(request: Request[Any, Any, Any]) -> Principal:
    """Whom the request speaks for, on a route that declares a role."""
    return request.scope["user"]
