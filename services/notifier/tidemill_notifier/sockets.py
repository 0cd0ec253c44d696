"""One socket: who is at the other end, what it subscribed to, and why it is closed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import structlog
from msgspec import Struct

from tidemill_contracts.identity import Principal
from tidemill_contracts.log import Cursor
from tidemill_contracts.stream import (
    AuthExpiring,
    Authenticate,
    ClientFrame,
    CloseCode,
    Heartbeat,
    Ping,
    Ready,
    StreamError,
    Subscribe,
    Unsubscribe,
)
from tidemill_kit.auth import TokenExpired
from tidemill_kit.errors import NotSignedIn, TidemillError, TooMany, Unavailable
from tidemill_notifier.live import Live
from tidemill_notifier.outbox import Outbox
from tidemill_notifier.replay import place
from tidemill_notifier.selection import Selection
from tidemill_notifier.subscriptions import Subscription

log = structlog.get_logger()
_MAX_REASON_BYTES = 120
_LAST_WORDS_S = 5.0
_decode = msgspec.json.Decoder(ClientFrame).decode


class Wire(Protocol):
    """The connection below: whole text frames in and out."""

    async def receive(self) -> str | bytes | None:
        """The next frame, or None when the other side has gone."""
        ...

    async def send(self, frame: bytes) -> None: ...

    async def close(self, code: int, reason: str) -> None: ...


class Closing(Struct, frozen=True):
    """With what a socket ends; code 0 where the other side has gone."""

    code: int = 0
    reason: str = ""


class TooManySubscriptions(TooMany):
    """The socket follows as many topics as socket_topics allows."""


class Socket:
    """Reads frames, keeps subscriptions, watches the token; closes once and says why."""

    def __init__(self, wire: Wire, live: Live) -> None:
        self._wire = wire
        self._live = live
        self._principal: Principal | None = None
        self._token = ""
        self._subscriptions: dict[str, Subscription] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._loop = asyncio.get_running_loop()
        self._ending: asyncio.Future[Closing] = self._loop.create_future()
        self._outbox = Outbox(
            wire.send,
            max_frames=live.settings.socket_frames,
            max_bytes=live.settings.socket_bytes,
            overflowed=self._overflowed,
        )

    async def serve(self, token: str | None) -> None:
        """Talk until either side ends it; a token from the handshake saves the first frame."""
        try:
            principal = await self._opened(token)
            if principal is None:
                return
            with self._live.sessions.holding(principal, self):
                await self._converse()
        except TooMany as error:
            self.end(CloseCode.FORBIDDEN, error.code())
        finally:
            self._stop()
            await self._say_goodbye()

    def end(self, code: int, reason: str) -> None:
        """Close with the first reason that is given."""
        if not self._ending.done():
            self._ending.set_result(Closing(code, reason))

    def revoked(self) -> None:
        self.end(CloseCode.NOT_SIGNED_IN, "session revoked")

    async def _opened(self, token: str | None) -> Principal | None:
        """The caller, by the handshake's token or by a first frame that comes in time."""
        try:
            async with asyncio.timeout(self._live.settings.authenticate_s):
                frame = Authenticate(token) if token else await self._read()
                if isinstance(frame, Authenticate):
                    await self._sign_in(frame.token)
                    await self._live.hub.agreed(self._live.settings.authenticate_s)
                elif frame is not None:
                    self.end(CloseCode.NOT_SIGNED_IN, "auth comes first")
        except TimeoutError:
            self.end(CloseCode.NOT_SIGNED_IN, "no token in time")
        except Unavailable as error:
            self.end(CloseCode.RESTART, error.code())
        return None if self._ending.done() else self._principal

    async def _converse(self) -> None:
        self._outbox.put(self._ready())
        self._beat_later()
        reading = asyncio.create_task(self._read_on())
        writing = asyncio.create_task(self._write_on())
        stopping = asyncio.create_task(self._live.stopping.wait())
        try:
            await asyncio.wait(
                (reading, writing, stopping, self._ending),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if stopping.done():
                self.end(CloseCode.RESTART, f"resume from {self._resume()}")
        finally:
            for task in (reading, writing, stopping):
                task.cancel()
            await asyncio.gather(reading, writing, stopping, return_exceptions=True)

    async def _read_on(self) -> None:
        while (frame := await self._read()) is not None:
            await self._act(frame)

    async def _write_on(self) -> None:
        try:
            await self._outbox.run()
        except ConnectionError:
            self.end(0, "")

    async def _read(self) -> ClientFrame | None:
        data = await self._wire.receive()
        if data is None:
            self.end(0, "")
            return None
        try:
            return _decode(data)
        except msgspec.DecodeError as error:
            self.end(CloseCode.BAD_FRAME, str(error))
            return None

    async def _act(self, frame: ClientFrame) -> None:
        match frame:
            case Authenticate():
                if await self._sign_in(frame.token):
                    self._outbox.put(self._ready())
            case Subscribe():
                await self._subscribe(frame)
            case Unsubscribe():
                self._unsubscribe(frame.id)
            case Ping():
                self._outbox.put(Heartbeat(str(self._live.hub.head)))

    async def _sign_in(self, token: str) -> bool:
        """Take a token: the first one, or a fresh one for the same caller."""
        try:
            principal = await self._live.sessions.authenticator.principal(token)
        except TokenExpired:
            self.end(CloseCode.TOKEN_EXPIRED, "the token has expired")
            return False
        except NotSignedIn:
            self.end(CloseCode.NOT_SIGNED_IN, "the token is not valid")
            return False
        except Unavailable as error:
            self.end(CloseCode.RESTART, error.code())
            return False
        if self._principal is not None and _rights(principal) != _rights(self._principal):
            self.end(CloseCode.FORBIDDEN, "the token is somebody else's")
            return False
        self._principal, self._token = principal, token
        self._watch(principal)
        return True

    def _watch(self, principal: Principal) -> None:
        """Warn before the token ends, and close when it does."""
        for timer in self._timers:
            timer.cancel()
        left = (principal.expires_at - datetime.now(UTC)).total_seconds()
        warn = max(left - self._live.settings.expiry_warning_s, 0.0)
        self._timers = [
            self._loop.call_later(warn, self._warn, principal),
            self._loop.call_later(left, self.end, CloseCode.TOKEN_EXPIRED, "the token has expired"),
        ]

    def _warn(self, principal: Principal) -> None:
        left = (principal.expires_at - datetime.now(UTC)).total_seconds()
        self._outbox.put(AuthExpiring(max(round(left), 0)))

    def _ready(self) -> Ready:
        head = self._live.hub.head
        return Ready(head.epoch, str(head))

    def _beat_later(self) -> None:
        self._beat = self._loop.call_later(self._live.settings.heartbeat_s, self._beat_now)

    def _beat_now(self) -> None:
        self._outbox.put(Heartbeat(str(self._live.hub.head)))
        self._beat_later()

    async def _subscribe(self, frame: Subscribe) -> None:
        """The token is checked again: the filter is never the authorisation."""
        if not await self._sign_in(self._token) or self._principal is None:
            return
        if frame.id in self._subscriptions:
            self._refuse(frame.id, "already_subscribed", "This id is in use on this socket.")
            return
        followed = sum(len(s.selection.topics) for s in self._subscriptions.values())
        selection = Selection(self._principal, frame.topics, frame.types)
        if followed + len(selection.topics) > self._live.settings.socket_topics:
            error = TooManySubscriptions()
            self._refuse(frame.id, error.code(), error.title())
            return
        subscription = Subscription(frame.id, selection, self._outbox, self._restart)
        self._subscriptions[frame.id] = subscription
        self._start(subscription, self._follow(subscription, frame.since, self._live.hub.head))
