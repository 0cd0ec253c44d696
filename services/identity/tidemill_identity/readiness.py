"""Asks the other services whether they are ready, for the gateway's `/readyz`."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from litestar import Litestar

from tidemill_identity.settings import Settings
from tidemill_kit.app import Lifespan
from tidemill_kit.errors import Unavailable

ASK_S = 2
_OK = 200


class NotReady(Unavailable):
    """The service answers that it is not ready."""


class ServiceAway(Unavailable):
    """The service does not answer."""


def addresses(services: str) -> dict[str, str]:
    """The services named in the setting; ValueError where an entry is not name=address."""
    pairs = [entry.strip().split("=", 1) for entry in services.split(",") if entry.strip()]
    return {name: address.rstrip("/") for name, address in pairs}


def services(settings: Settings) -> Lifespan:
    """Each named service is one of identity's readiness checks."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        limit = aiohttp.ClientTimeout(total=ASK_S)
        async with aiohttp.ClientSession(timeout=limit) as http:
            for name, address in addresses(settings.services).items():
                app.state.checks[name] = _check(http, address)
            yield

    return lifespan


def _check(http: aiohttp.ClientSession, address: str) -> Callable[[], Awaitable[None]]:
    async def ask() -> None:
        try:
            async with http.get(f"{address}/readyz") as answer:
                if answer.status != _OK:
                    raise NotReady
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceAway from error

    return ask
