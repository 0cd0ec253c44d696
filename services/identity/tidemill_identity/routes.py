"""Registering, signing in, and who the caller is."""

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from tidemill_contracts.identity import (
    Email,
    Password,
    RefreshSession,
    RegisterUser,
    Registration,
    SignIn,
    SignOut,
    TokenPair,
    User,
)
from tidemill_identity import usecases
from tidemill_identity.lifecycle import Origin
from tidemill_identity.passwords import Passwords
from tidemill_identity.repository import AccountRepository
from tidemill_identity.settings import Settings
from tidemill_identity.tokens import KeySet, Signer
from tidemill_kit.app import PUBLIC, READ, VERSION, Caller
from tidemill_kit.auth import Authenticator
from tidemill_kit.db import Database
from tidemill_kit.errors import NotSignedIn

Store = NamedDependency[Database]
Hashing = NamedDependency[Passwords]
Signing = NamedDependency[Signer]
Configured = NamedDependency[Settings]
Checking = NamedDependency[Authenticator]
Asking = Request[Any, Any, Any]
MAX_AGENT = 300
NEVER_KEPT = CacheControlHeader(no_store=True)
KEYS_KEPT = CacheControlHeader(public=True, max_age=300)


class SetUp(Struct, frozen=True, forbid_unknown_fields=True):
    """The one-time token and who becomes the system's administrator."""

    token: Annotated[str, Meta(max_length=512)]
    email: Email
    password: Password


class Info(Struct, frozen=True):
    """What may be known before signing in."""

    version: str
    registration: str


class AuthController(Controller):
    path = "/v1/auth"
    tags = ("Identity",)
    opt = PUBLIC
    cache_control = NEVER_KEPT

    @post("/register")
    async def register(
        self,
        data: JSONBody[RegisterUser],
        *,
        request: Asking,
        database: Store,
        passwords: Hashing,
        settings: Configured,
    ) -> Registration:
        """Make an account: a tenant of its own with you as its admin."""
        usecases.may_register(settings)
        origin = origin_of(request)
        return await usecases.register(
            database, passwords, data.email, data.password, origin=origin
        )

    @post("/token", status_code=200)
    async def sign_in(
        self,
        data: JSONBody[SignIn],
        *,
        request: Asking,
        database: Store,
        passwords: Hashing,
        signer: Signing,
        settings: Configured,
    ) -> TokenPair:
        """Sign in with e-mail address and password."""
        return await usecases.sign_in(
            database,
            passwords,
            signer,
            settings,
            order=data,
            origin=origin_of(request),
        )

    @post("/refresh", status_code=200)
    async def refresh(
        self,
        data: JSONBody[RefreshSession],
        database: Store,
        signer: Signing,
        authenticator: Checking,
    ) -> TokenPair:
        """Renew the tokens; each refresh token works once, a second use ends the session."""
        return await usecases.refresh(database, signer, authenticator, data)

    @post("/logout", status_code=204)
    async def sign_out(
        self,
        data: JSONBody[SignOut],
        database: Store,
        authenticator: Checking,
    ) -> None:
        """End the session of this refresh token."""
        await usecases.sign_out(database, authenticator, data)


@get("/v1/me", opt=READ, tags=["Identity"], cache_control=NEVER_KEPT)
async def me(
    principal: Caller,
    accounts: NamedDependency[AccountRepository],
) -> User:
    """Who you are."""
    user = await accounts.signed_in(principal)
    if user is None:
        raise NotSignedIn
    return user


@post("/v1/setup", opt=PUBLIC, tags=["Identity"], cache_control=NEVER_KEPT)
async def set_up(
    data: JSONBody[SetUp],
    request: Asking,
    database: Store,
    passwords: Hashing,
) -> Registration:
    """Make the system's first administrator with the one-time link."""
    return await usecases.set_up(
        database,
        passwords,
        token=data.token,
        email=data.email,
        password=data.password,
        origin=origin_of(request),
    )


@get("/.well-known/jwks.json", opt=PUBLIC, tags=["Identity"], cache_control=KEYS_KEPT)
async def keys(signer: Signing) -> KeySet:
    """The public keys that access tokens are signed with."""
    return signer.public


@get("/v1/info", opt=PUBLIC, tags=["Identity"])
async def info(settings: Configured) -> Info:
    """The system's version and who may register."""
    return Info(version=VERSION, registration=settings.registration)


def origin_of(request: Asking) -> Origin:
    """Whence a request comes: uvicorn reads X-Forwarded-For only where the gateway is the peer."""
    agent = request.headers.get("user-agent")
    shown = "".join(each for each in agent[:MAX_AGENT] if each.isprintable()) if agent else None
    return Origin(request.client.host if request.client else "unknown", shown)
