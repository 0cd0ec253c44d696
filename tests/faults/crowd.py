"""Many who follow at the same time: what each was told, and how often it had to come back."""

import asyncio
import copy
from collections.abc import Callable
from contextlib import AsyncExitStack
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Self
from uuid import UUID

import msgspec
from msgspec import Struct, field

from tidemill_client.client import ENDINGS, Client
from tidemill_client.gateway import Gateway
from tidemill_client.live import Live
from tidemill_client.subscription import Item, Received, Subscription
from tidemill_contracts.log import Cursor, read_cursor
from tidemill_contracts.stream import Gap


class Counted(Live):
    """Counts its sockets, and stops reading where it is told to."""

    sockets = 0

    async def _join(self) -> None:
        await super()._join()
        self.sockets += 1

    @property
    def is_through(self) -> bool:
        """Whether all of the last frame was taken."""
        return not self._waiting

    def stall(self) -> None:
        """Take nothing more from the kernel, and let little wait there."""
        if self._socket is not None and not self._socket.transport.is_closing():
            transport = self._socket.transport
            transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, 16_384)
            transport.pause_reading()

    def read_on(self) -> None:
        if self._socket is not None:
            self._socket.transport.resume_reading()


type Told = tuple[UUID, bytes]


class Transcript(Struct, kw_only=True):
    """What one follower was told of a tenant's jobs, in canonical form."""

    live: Counted
    # what many are told is kept once
    once: dict[bytes, Told]
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[Told] = field(default_factory=list[Told])
    place: Cursor = Cursor(0, 0)
    in_order: bool = True
    gaps: list[Gap] = field(default_factory=list[Gap])
    ended: int = 0

    def stall(self) -> None:
        """Read nothing until `read_on`; what is left to read would have the library read on."""
        self.reading.clear()
        self.live.stall()

    def read_on(self) -> None:
        self.reading.set()
        self.live.read_on()

    @property
    def bodies(self) -> dict[UUID, list[bytes]]:
        """What was told of each job, in its order."""
        found: dict[UUID, list[bytes]] = {}
        for job_id, body in self.told:
            found.setdefault(job_id, []).append(body)
        return found

    def take(self, item: Item) -> None:
        if isinstance(item, Gap):
            self.gaps.append(item)
        elif isinstance(item, Received) and item.cursor:
            body = msgspec.json.encode(item.body, order="deterministic")
            self.told.append(self.once.setdefault(body, (item.event.key, body)))
            before, self.place = self.place, read_cursor(item.cursor)
            self.in_order = self.in_order and self.place > before
            self.ended += isinstance(item.event, ENDINGS)


class Crowd:
    """Followers that write down what they hear, until the crowd is left."""

    def __init__(self, patience_s: float) -> None:
        self.transcripts: list[Transcript] = []
        self._patience_s = patience_s
        self._once: dict[bytes, Told] = {}
        self._open = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._open.aclose()

    async def follow(
        self, client: Client, number: int, *, at: str | None = None
    ) -> list[Transcript]:
        """So many more, on sockets of their own, at a notifier's own address if one is given."""
        gateway = straight(client.gateway, at) if at else client.gateway
        found: list[Transcript] = []
        for _ in range(number):
            live = Counted(gateway, Subscription(["all"], types=["job.*"], since="start"))
            opened = await self._open.enter_async_context(live)
            found.append(Transcript(live=opened, once=self._once))
            found[-1].reading.set()
            self._tasks.append(asyncio.create_task(self._write_down(found[-1])))
        self.transcripts += found
        return found

    async def until(self, done: Callable[[Transcript], bool]) -> None:
        """Wait until this holds for each; a follower that failed fails here."""
        async with asyncio.timeout(self._patience_s), self._news:
            await self._news.wait_for(lambda: self._failed() or all(map(done, self.transcripts)))
        for task in self._tasks:
            if task.done():
                task.result()

    def _failed(self) -> bool:
        return any(task.done() for task in self._tasks)

    async def _write_down(self, transcript: Transcript) -> None:
        try:
            async for item in transcript.live:
                await transcript.reading.wait()
                transcript.take(item)
                if transcript.live.is_through:
                    async with self._news:
                        self._news.notify_all()
        finally:
            async with self._news:
                self._news.notify_all()


def straight(gateway: Gateway, url: str) -> Gateway:
    """It has its tokens from the gateway and nothing else: megabytes would wait in between."""
    found = copy.copy(gateway)
    found.url = url
    found.token = gateway.token
    return found
