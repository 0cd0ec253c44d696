"""The notifier service, put together."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from types import FrameType

from litestar import Litestar

from tidemill_kit import app, bus, lifespan, logs, serve
from tidemill_kit.db import Database
from tidemill_kit.injection import repositories
from tidemill_kit.settings import load
from tidemill_notifier.direct import DirectProtocol
from tidemill_notifier.live import Live
from tidemill_notifier.routes import EventController, stream
from tidemill_notifier.settings import NotifierSettings
from tidemill_notifier.webhooks.book import Book
from tidemill_notifier.webhooks.guard import Guard
from tidemill_notifier.webhooks.office import Office
from tidemill_notifier.webhooks.repository import WebhookRepository
from tidemill_notifier.webhooks.routes import WebhookController
from tidemill_notifier.webhooks.sending import Sender
from tidemill_notifier.webhooks.usecases import Desk

NAME = "notifier"


def create_app(settings: NotifierSettings | None = None) -> Litestar:
    settings = settings or load(NotifierSettings)
    return app.create_app(
        settings,
        name=NAME,
        controllers=[EventController, WebhookController],
        routes=[stream],
        lifespan=[
            _remembering,
            lifespan.forgetting(),
            lifespan.events(settings, NAME),
            _following,
            _delivering,
        ],
        dependencies=repositories(webhooks=WebhookRepository),
    )


def main() -> None:
    settings = load(NotifierSettings)
    logs.configure(NAME, settings.log_level)
    serve.run(create_app(settings), settings, sockets=DirectProtocol)


@asynccontextmanager
async def _remembering(service: Litestar) -> AsyncGenerator[None]:
    """Webhooks need PostgreSQL; the live stream goes on without it, so readiness does not ask."""
    async with Database.open(service.state.settings, NAME) as database:
        service.state.database = database
        yield


@asynccontextmanager
async def _following(service: Litestar) -> AsyncGenerator[None]:
    """Follows the log in the background; NATS may come and go."""
    state = service.state
    live = state.live = Live.of(state.settings, state.authenticator)
    hub = live.hub
    state.checks["hub"] = hub.ready
    state.facts = {"nats": hub.connection, "head": lambda: str(hub.head)}
    running = asyncio.create_task(bus.or_exit(_follow(live)))
    _when_told_to_stop(live)
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        if hub.client is not None:
            await hub.client.close()


@asynccontextmanager
async def _delivering(service: Litestar) -> AsyncGenerator[None]:
    """Sends events to webhooks in the background."""
    state, settings = service.state, service.state.settings
    guard, book = Guard(settings), Book(state.database, settings)
    async with Sender(settings, guard) as sender:
        state.desk = Desk(state.live, guard, book, sender)
        office = Office(book, state.live, sender, settings)
        running = asyncio.create_task(bus.or_exit(office.run()))
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _follow(live: Live) -> None:
    async def again() -> None:
        live.hub.doubt("reconnected")

    await live.hub.run(await bus.connect(live.settings, NAME, reconnected=again))


def _when_told_to_stop(live: Live) -> None:
    """Say goodbye before the server does: it would wait for endless answers to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def stop(given: int, frame: FrameType | None, before: object = before) -> None:
            loop.call_soon_threadsafe(live.sessions.stop)
            if callable(before):
                before(given, frame)

        with suppress(ValueError):
            signal.signal(number, stop)
