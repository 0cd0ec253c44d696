"""The identity service, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request
from litestar.di import Provide

from tidemill_contracts.access import KeyGrant
from tidemill_contracts.identity import Principal
from tidemill_identity import audit_routes, key_routes, keys, member_routes, routes, session_routes
from tidemill_identity.access_repository import (
    ApiKeyRepository,
    InvitationRepository,
    MemberRepository,
)
from tidemill_identity.audit import Actor, AuditRepository
from tidemill_identity.consumers import consumers
from tidemill_identity.passwords import Passwords
from tidemill_identity.readiness import services
from tidemill_identity.repository import AccountRepository, SessionRepository
from tidemill_identity.settings import Settings
from tidemill_identity.tokens import Signer
from tidemill_kit import app, lifespan, logs, serve
from tidemill_kit.auth import Authenticator
from tidemill_kit.consumers import follow
from tidemill_kit.db import Database, Repository
from tidemill_kit.injection import repositories
from tidemill_kit.settings import load

SERVICE = "identity"
CONTROLLERS = (
    routes.AuthController,
    key_routes.ApiKeyController,
    session_routes.SessionController,
    member_routes.MemberController,
    member_routes.InvitationController,
    member_routes.TenantController,
)
ROUTES = (
    *(routes.me, routes.set_up, routes.keys, routes.info),
    key_routes.exchange,
    session_routes.change_password,
    session_routes.offer_reset,
    session_routes.reset_password,
    audit_routes.trail,
)
REPOSITORIES: dict[str, type[Repository]] = {
    "accounts": AccountRepository,
    "api_keys": ApiKeyRepository,
    "entries": AuditRepository,
    "invitations": InvitationRepository,
    "members_": MemberRepository,
    "sessions_": SessionRepository,
}


def create_app(settings: Settings | None = None) -> Litestar:
    settings = settings or load(Settings)
    signer = Signer(settings)
    passwords = Passwords(settings.max_waiting_sign_ins)
    authenticator = Authenticator(settings, signer)
    made = app.create_app(
        settings,
        name=SERVICE,
        controllers=CONTROLLERS,
        routes=ROUTES,
        lifespan=[
            _closing(passwords),
            lifespan.database(settings, SERVICE),
            lifespan.forgetting(),
            _exchanging(authenticator, signer),
            services(settings),
            lifespan.events(settings, SERVICE, follow=partial(follow, consumers)),
        ],
        dependencies={
            **repositories(**REPOSITORIES),
            "actor": Provide(_actor, sync_to_thread=False),
            "settings": _always(settings),
            "signer": _always(signer),
            "passwords": _always(passwords),
            "authenticator": _always(authenticator),
            "database": Provide(_database, sync_to_thread=False),
        },
    )
    made.state.authenticator = authenticator
    return made


def main() -> None:
    settings = load(Settings)
    logs.configure(SERVICE, settings.log_level)
    serve.run(create_app(settings), settings)


def _always(thing: Any) -> Provide:
    return Provide(lambda: thing, sync_to_thread=False)


def _database(request: Request[Any, Any, Any]) -> Database:
    return request.app.state.database


def _actor(request: Request[Any, Any, Any]) -> Actor:
    """Whoever calls, for the audit trail."""
    principal: Principal = request.scope["user"]
    return Actor.calling(principal, routes.origin_of(request))


def _exchanging(authenticator: Authenticator, signer: Signer) -> app.Lifespan:
    """Identity looks API keys up itself."""

    @asynccontextmanager
    async def exchanging(service: Litestar) -> AsyncGenerator[None]:
        async def exchange(secret: str) -> KeyGrant:
            return await keys.exchange_key(service.state.database, signer, secret)

        authenticator.exchange = exchange
        yield

    return exchanging


def _closing(passwords: Passwords) -> app.Lifespan:
    @asynccontextmanager
    async def closing(_app: Litestar) -> AsyncGenerator[None]:
        yield
        passwords.close()

    return closing
