"""The identity service, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request
from litestar.di import Provide

from tidemill_identity import routes
from tidemill_identity.passwords import Passwords
from tidemill_identity.readiness import services
from tidemill_identity.repository import AccountRepository
from tidemill_identity.settings import Settings
from tidemill_identity.tokens import Signer
from tidemill_kit import app, lifespan, logs, serve
from tidemill_kit.auth import Authenticator
from tidemill_kit.db import Database
from tidemill_kit.injection import repositories
from tidemill_kit.settings import load

SERVICE = "identity"


def create_app(settings: Settings | None = None) -> Litestar:
    settings = settings or load(Settings)
    signer = Signer(settings)
    passwords = Passwords(settings.max_waiting_sign_ins)
    authenticator = Authenticator(settings, signer)
    made = app.create_app(
        settings,
        name=SERVICE,
        controllers=[routes.AuthController],
        routes=[routes.me, routes.set_up, routes.keys, routes.info],
        lifespan=[
            _closing(passwords),
            lifespan.database(settings, SERVICE),
            services(settings),
            lifespan.events(settings, SERVICE),
        ],
        dependencies={
            **repositories(accounts=AccountRepository),
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


def _closing(passwords: Passwords) -> app.Lifespan:
    @asynccontextmanager
    async def closing(_app: Litestar) -> AsyncGenerator[None]:
        yield
        passwords.close()

    return closing
