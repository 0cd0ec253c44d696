"""What a service opens when it starts and closes when it stops."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from litestar import Litestar
from msgspec import DecodeError, json
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from sqlalchemy import TextClause

from tidemill_contracts.identity import ApiKeyRevoked, SessionRevoked
from tidemill_contracts.log import Cursor
from tidemill_kit import bus, history, idempotency
from tidemill_kit.app import Lifespan
from tidemill_kit.auth import Authenticator
from tidemill_kit.db import Database
from tidemill_kit.publisher import AskForEpoch, Publisher
from tidemill_kit.settings import Settings

log = structlog.get_logger()
type Follow = Callable[[Database, Settings, Client], Coroutine[Any, Any, None]]
type OnConnect = Callable[[Litestar, Client], Awaitable[None]]


def database(settings: Settings, service: str) -> Lifespan:
    """Opens `app.state.database`; readiness depends on it."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with Database.open(settings, service) as opened:
            app.state.database = opened
            app.state.checks["postgresql"] = opened.ping
            yield

    return lifespan


def forgetting() -> Lifespan:
    """Forgets the idempotency keys of `app.state.database` whose day is over."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        running = asyncio.create_task(idempotency.keep_forgetting(app.state.database))
        try:
            yield
        finally:
            await _cancel(running)

    return lifespan


def events(
    settings: Settings,
    service: str,
    *,
    follow: Follow | None = None,
    ask_epoch: Callable[[Litestar], AskForEpoch] | None = None,
    connected: OnConnect | None = None,
    reconnected: OnConnect | None = None,
    forgotten: TextClause | None = None,
) -> Lifespan:
    """Publishes the service's events, answers for its history and follows others by `follow`.

    NATS may be away for as long as it likes: the connection is made in the background and only
    reported by `/readyz`. `app.state.client` is there once `connected` is called.
    """

    async def work(app: Litestar) -> None:
        again = _after_reconnect(app, reconnected)
        client = app.state.client = await bus.connect(settings, service, reconnected=again)
        await _revocations(client, app.state.authenticator)
        if connected is not None:
            await connected(app, client)
        await history.serve(client, app.state.database, forgotten)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(app.state.authenticator.learn())
            tasks.create_task(_publisher(app, settings, client, ask_epoch and ask_epoch(app)).run())
            if follow is not None:
                tasks.create_task(follow(app.state.database, settings, client))

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        app.state.client = app.state.publisher = None
        app.state.facts = {"nats": lambda: _connection_state(app)}
        running = asyncio.create_task(bus.or_exit(work(app)))
        try:
            yield
        finally:
            await _end(running, app.state.client)

    return lifespan


def _after_reconnect(app: Litestar, then: OnConnect | None) -> Callable[[], Awaitable[None]]:
    """The store may be another one: the publisher asks for the epoch before it goes on."""

    async def again() -> None:
        if app.state.publisher is not None:
            app.state.publisher.reconnected()
        if then is not None:
            await then(app, app.state.client)

    return again


def _publisher(
    app: Litestar,
    settings: Settings,
    client: Client,
    ask_epoch: AskForEpoch | None,
) -> Publisher:
    """The service's publisher, woken by each commit and at once for what waits already."""
    database: Database = app.state.database
    made = Publisher(settings.database_url, database.service, client, ask_epoch=ask_epoch)
    app.state.publisher = made
    database.recorded = made.recorded
    made.recorded.set()
    return made


def head(app: Litestar) -> Cursor:
    """The newest place in the log that this process knows: read it before the row."""
    publisher: Publisher | None = app.state.publisher
    return publisher.head if publisher else Cursor(0, 0)


async def _revocations(client: Client, authenticator: Authenticator) -> None:
    async def revoked(message: Msg) -> None:
        with suppress(DecodeError):
            gone = json.decode(message.data, type=SessionRevoked | ApiKeyRevoked)
            authenticator.revoke(gone.key)

    await client.subscribe("tm.event.*.session.revoked", cb=revoked)
    await client.subscribe("tm.event.*.api_key.revoked", cb=revoked)


async def _cancel(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def _end(running: asyncio.Task[None], client: Client | None) -> None:
    await _cancel(running)
    if client is not None:
        with suppress(NatsError):
            await client.close()


def _connection_state(app: Litestar) -> str:
    client: Client | None = app.state.client
    return "connected" if client is not None and client.is_connected else "away"
