"""One socket: its frames in and out, and why it is closed."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct

from tidemill_contracts.identity import Principal
from tidemill_contracts.stream import (
    Authenticate,
    ClientFrame,
    CloseCode,
    Heartbeat,
    Ping,
    Ready,
    Subscribe,
    Unsubscribe,
)
from tidemill_kit.errors import TooMany, Unavailable
from tidemill_notifier.callers import Caller
from tidemill_notifier.live import Live
from tidemill_notifier.outbox import Line, Outbox
from tidemill_notifier.subscriptions import Subscriptions

log = structlog.get_logger()
_MAX_REASON_BYTES = 120
_LAST_WORDS_S = 5.0
_INTERNAL_ERROR = 1011
_decode = msgspec.json.Decoder[ClientFrame](ClientFrame).decode


class BadFrame(ValueError):
    """A client's frame has not the shape of any."""


class Wire(Protocol):
    """The connection below; ConnectionError where the other side has gone."""

    async def receive(self) -> str | bytes:
        """The next whole frame."""
        ...

    @property
    def line(self) -> Line:
        """Where whole frames are written."""
        ...

    async def close(self, code: int, reason: str) -> None: ...


class Closing(Struct, frozen=True):
    """With what a socket ends; None for the code where the other side has gone."""

    code: int | None = None
    reason: str = ""


def read_frame(data: str | bytes) -> ClientFrame:
    """The frame in this text; BadFrame where it is none."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFrame(str(error)) from error


class Socket:
    """Reads frames, writes what waits, and closes once, for the first reason there is."""

    def __init__(self, wire: Wire, live: Live) -> None:
        settings = live.settings
        self._wire = wire
        self._live = live
        self._tasks = set[asyncio.Task[None]]()
        self._beat: asyncio.TimerHandle | None = None
        self._ending: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(
            wire.line,
            max_frames=settings.socket_frames,
            max_bytes=settings.socket_bytes,
            overflowed=self._overflowed,
            run=self._run,
        )
        self._caller = Caller(
            live.sessions.authenticator,
            warning_s=settings.expiry_warning_s,
            warn=self._outbox.put,
            end=self.end,
        )
        self._subscriptions = Subscriptions(
            live.hub,
            live.archive,
            self._outbox,
            max_topics=settings.socket_topics,
            run=self._run,
        )

    async def serve(self, token: str | None) -> None:
        """Talk until either side ends it; a token from the handshake saves the first frame."""
        try:
            principal = await self._opened(token)
            if principal is not None:
                with self._live.sessions.holding(principal, self):
                    await self._converse()
        except TooMany as error:
            self.end(CloseCode.FORBIDDEN, f"{error.code()}: {error}")
        finally:
            await self._close()

    def end(self, code: int | None, reason: str) -> None:
        if not self._ending.done():
            self._ending.set_result(Closing(code, reason))

    def revoked(self) -> None:
        self.end(CloseCode.NOT_SIGNED_IN, "the session was revoked")

    def stopped(self) -> None:
        self.end(CloseCode.RESTART, self._resume())

    async def _opened(self, token: str | None) -> Principal | None:
        """The caller, by the handshake's token or by a first frame that comes in time."""
        limit_s = self._live.settings.authenticate_s
        try:
            async with asyncio.timeout(limit_s):
                frame = Authenticate(token) if token else read_frame(await self._wire.receive())
            if not isinstance(frame, Authenticate):
                self.end(CloseCode.NOT_SIGNED_IN, "auth comes first")
                return None
            principal = await self._caller.sign_in(frame.token)
            if principal is not None:
                await self._live.hub.agreed(limit_s)
        except TimeoutError:
            self.end(CloseCode.NOT_SIGNED_IN, "no token came in time")
        except BadFrame as error:
            self.end(CloseCode.BAD_FRAME, str(error))
        except ConnectionError:
            self.end(None, "")
        except Unavailable as error:
            self.end(CloseCode.RESTART, error.code())
        else:
            return principal
        return None

    async def _converse(self) -> None:
        self._greet()
        self._beat_later()
        self._run(self._read_on())
        await asyncio.shield(self._ending)

    async def _read_on(self) -> None:
        while True:
            await self._act(read_frame(await self._wire.receive()))

    async def _act(self, frame: ClientFrame) -> None:
        match frame:
            case Authenticate():
                if await self._caller.sign_in(frame.token):
                    self._greet()
            case Subscribe():
                if principal := await self._caller.still():
                    self._subscriptions.add(principal, frame)
            case Unsubscribe():
                self._subscriptions.remove(frame.id)
            case Ping():
                self._say_where()

    def _greet(self) -> None:
        head = self._live.hub.head
        self._outbox.put(Ready(head.epoch, str(head)))

    def _beat_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._beat = loop.call_later(self._live.settings.heartbeat_s, self._beat_now)

    def _beat_now(self) -> None:
        self._say_where()
        self._beat_later()

    def _say_where(self) -> None:
        self._outbox.put(Heartbeat(str(self._subscriptions.resume())))

    def _overflowed(self) -> None:
        log.info("socket.slow", resume=str(self._subscriptions.resume()))
        self.end(CloseCode.TOO_SLOW, self._resume())

    def _resume(self) -> str:
        return f"resume from {self._subscriptions.resume()}"

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ConnectionError):
            self.end(None, "")
        elif isinstance(error, BadFrame):
            self.end(CloseCode.BAD_FRAME, str(error))
        elif error is not None:
            log.error("socket.failed", exc_info=error)
            self.end(_INTERNAL_ERROR, "")

    async def _close(self) -> None:
        """Leave everything, then say why; one that does not read is not waited for."""
        self._caller.leave()
        if self._beat is not None:
            self._beat.cancel()
        self._subscriptions.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        closing = self._ending.result() if self._ending.done() else Closing(CloseCode.RESTART)
        if closing.code is None:
            return
        reason = closing.reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        try:
            await asyncio.wait_for(self._wire.close(closing.code, reason), _LAST_WORDS_S)
        except (ConnectionError, TimeoutError):
            log.info("socket.cut", code=closing.code)
