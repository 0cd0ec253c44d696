"""NATS: connections that never give up, and requests that are answered."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from tidemill_kit.errors import TidemillError, Unavailable, failure_of
from tidemill_kit.settings import Settings

log = structlog.get_logger()
ERROR_HEADER = "Tm-Error"
EXIT_DISCONNECTED = 70
_encode = msgspec.json.Encoder().encode


class BusAway(Unavailable):
    """NATS or the service behind it does not answer."""


class RequestRefused(Unavailable):
    """The other service could not do what it was asked."""


async def connect(
    settings: Settings,
    name: str,
    *,
    reconnected: Callable[[], Awaitable[None]] | None = None,
) -> Client:
    """Connect as the service's user, retrying for as long as it takes."""

    async def again() -> None:
        log.info("bus.reconnected", connection=name)
        if reconnected is not None:
            await reconnected()

    client = await nats.connect(reconnected_cb=again, **options(settings, name))
    log.info("bus.connected", connection=name)
    return client


def options(settings: Settings, name: str) -> dict[str, Any]:
    """What every connection is made with; nats-py alone would give up after two minutes."""

    async def failed(error: Exception) -> None:
        log.warning("bus.error", connection=name, error=str(error) or type(error).__name__)

    return {
        "servers": settings.nats_url.split(","),
        "user": settings.nats_user,
        "password": settings.nats_password,
        "name": name,
        "inbox_prefix": f"_INBOX_{settings.nats_user}".encode(),
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.5,
        "connect_timeout": 3,
        "ping_interval": 10,
        "max_outstanding_pings": 2,
        "error_cb": failed,
    }


async def call[T](
    client: Client | None,
    subject: str,
    request: Any,
    kind: type[T],
    *,
    timeout_s: float = 5.0,
) -> T:
    """Ask and decode the answer; BusAway where none comes, RequestRefused where it failed.

    Without a client there was no connection yet.
    """
    if client is None:
        raise BusAway(subject)
    try:
        answer = await client.request(subject, _encode(request), timeout=timeout_s)
    except (NatsError, TimeoutError, asyncio.InvalidStateError) as error:
        raise BusAway(subject) from error
    if answer.headers and (code := answer.headers.get(ERROR_HEADER)):
        raise RequestRefused(f"{subject}: {code}")
    return msgspec.json.decode(answer.data, type=kind)


async def answer[T](
    client: Client,
    subject: str,
    kind: type[T],
    work: Callable[[T], Awaitable[Any]],
) -> None:
    """Answer requests on a subject, shared among the replicas of the service."""
    decoder = msgspec.json.Decoder(kind)
    running: set[asyncio.Task[None]] = set()

    async def respond(message: Msg) -> None:
        body, headers = b"", None

        async def answered() -> None:
            nonlocal body
            body = _encode(await work(decoder.decode(message.data)))

        # whoever asked is owed an answer, whatever went wrong
        if error := await failure_of(answered()):
            code = error.code() if isinstance(error, TidemillError) else type(error).__name__
            log.warning("bus.request_failed", subject=subject, code=code, reason=str(error)[:500])
            headers = {ERROR_HEADER: code}
        # said rather than kept silent: whoever asked for many can ask for fewer
        if len(body) > client.max_payload:
            body, headers = b"", {ERROR_HEADER: "answer_too_large"}
        if not client.is_closed:
            await client.publish(message.reply, body, headers=headers)

    async def received(message: Msg) -> None:
        task = asyncio.create_task(respond(message))
        running.add(task)
        task.add_done_callback(running.discard)

    await client.subscribe(subject, queue=subject, cb=received)


def exit_process(reason: str) -> None:
    """End the process at once: its supervisor starts a sound one."""
    log.error("process.exit", reason=reason)
    os._exit(EXIT_DISCONNECTED)


async def or_exit(work: Awaitable[None]) -> None:
    """A background machine that dies takes the process along: its supervisor starts a sound one."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException:
        log.exception("lifespan.failed")
        exit_process("a background task failed")
