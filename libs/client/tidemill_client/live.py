"""A subscription that outlives its sockets: it signs in, renews, reconnects and resumes."""

import asyncio
from collections import deque
from http import HTTPStatus
from types import TracebackType
from typing import Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from tidemill_client import pace
from tidemill_client.gateway import Gateway, is_loopback
from tidemill_client.offsets import Offsets
from tidemill_client.problems import (
    ApiProblem,
    Broken,
    NotSignedIn,
    StreamRefused,
    Unreachable,
)
from tidemill_client.subscription import Item, Received, Subscription, read_frame
from tidemill_contracts import stream
from tidemill_contracts.stream import CloseCode

JOIN_S = 30.0
CLOSE_S = 2.0
FOR_GOOD = frozenset({CloseCode.FORBIDDEN, CloseCode.BAD_FRAME})
STALE_TOKEN = frozenset({CloseCode.TOKEN_EXPIRED, CloseCode.NOT_SIGNED_IN})
NOT_NOW = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    },
)
TROUBLE = (OSError, InvalidHandshake, ConnectionClosed, ApiProblem, Broken, Unreachable)

_encode = msgspec.json.Encoder().encode


class Live:
    """Items of a subscription, for ever; entered, it is subscribed.

    A Gap among the items says that events are missing and cannot be had here. Raises
    StreamRefused where another try would change nothing. With `offsets` a later program goes on
    behind the last item that this one was done with: it asked for the next, or left in peace.
    """

    def __init__(
        self, gateway: Gateway, subscription: Subscription, offsets: Offsets | None = None
    ) -> None:
        self._gateway = gateway
        self._subscription = subscription
        self._offsets = offsets
        self._given: Item | None = None
        self._socket: ClientConnection | None = None
        self._token: str | None = None
        self._waiting: deque[Item] = deque()
        self._failures = 0
        self._refusals = 0

    async def __aenter__(self) -> Self:
        try:
            await self._enter()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._keep()
        await self._leave()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._waiting:
            self._keep()
            try:
                await self._receive()
            except TROUBLE as error:
                await self._rejoin(error)
        self._given = self._waiting.popleft()
        return self._given

    def _keep(self) -> None:
        """Remember the place, or that of the last item where others still wait behind it."""
        if self._offsets is None:
            return
        place = self._subscription.place
        if self._waiting:
            place = self._given.cursor if isinstance(self._given, Received) else None
        if place is not None:
            self._offsets.save(place)

    async def _enter(self) -> None:
        """The first socket: an address where nobody listens is not tried for ever."""
        try:
            await self._join()
        except OSError as error:
            raise Unreachable(self._gateway.url) from error
        except (InvalidHandshake, ConnectionClosed) as error:
            await self._rejoin(error)

    async def _receive(self) -> stream.ServerFrame | None:
        if self._socket is None:
            raise RuntimeError("enter it first: `async with`")
        frame = read_frame(await self._socket.recv())
        if frame is None:
            return None
        self._waiting.extend(self._subscription.take(frame))
        if isinstance(frame, stream.AuthExpiring):
            token = await self._fresh(unlike=self._token)
            await self._socket.send(_encode(stream.Authenticate(token)), text=True)
        if isinstance(frame, stream.Events | stream.Live | stream.Heartbeat):
            self._failures = self._refusals = 0
        return frame

    async def _join(self) -> None:
        """A new socket, subscribed from where the last one ended."""
        async with asyncio.timeout(JOIN_S):
            token = await self._fresh()
            self._socket = await connect(
                f"ws{self._gateway.url.removeprefix('http')}/v1/stream",
                subprotocols=[Subprotocol(stream.SUBPROTOCOL)],
                additional_headers={"Authorization": f"Bearer {token}"},
                max_size=2 * stream.MAX_SERVER_FRAME_BYTES,
                proxy=None if is_loopback(self._gateway.url) else True,
                close_timeout=CLOSE_S,
            )
            await self._until(stream.Ready)
            await self._socket.send(_encode(self._subscription.join()), text=True)
            await self._until(stream.Subscribed)

    async def _until(self, kind: type[stream.ServerFrame]) -> None:
        while not isinstance(await self._receive(), kind):
            pass

    async def _fresh(self, *, unlike: str | None = None) -> str:
        """A token, another one than that which was refused or ends."""
        stale = unlike or (self._token if self._refusals else None)
        self._token = await self._gateway.token(unlike=stale)
        if self._token is None:
            raise NotSignedIn
        return self._token

    async def _rejoin(self, error: Exception) -> None:
        """Try until a socket is subscribed again, or `error` is one that stays."""
        while True:
            self._refusals = judge(error, self._refusals)
            await self._leave()
            await asyncio.sleep(pace.delay(self._failures, restarted=restarted(error)))
            self._failures += 1
            try:
                return await self._join()
            except TROUBLE as another:
                error = another

    async def _leave(self) -> None:
        if self._socket:
            await self._socket.close()
            self._socket = None


def restarted(error: Exception) -> bool:
    """Whether the server said goodbye, to everybody at once."""
    closed = error.rcvd if isinstance(error, ConnectionClosed) else None
    return closed is not None and closed.code == CloseCode.RESTART


def judge(error: Exception, refusals: int) -> int:
    """How many tokens in a row were refused, with this end; before it there were `refusals`.

    Raises StreamRefused, or the refusal of a renewal, where another try would end the same way.
    """
    if isinstance(error, ApiProblem) and error.status not in NOT_NOW:
        raise error
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status not in NOT_NOW:
            raise StreamRefused(f"http_{status}", f"the stream answers {status}") from error
    if isinstance(error, ConnectionClosed) and error.rcvd:
        code, reason = error.rcvd.code, error.rcvd.reason
        refusals += code in STALE_TOKEN
        if code in FOR_GOOD or refusals > 1:
            raise StreamRefused(str(code), reason or f"closed with {code}") from error
    return refusals
