"""What a measure asks of either side: accounts, requests, a socket, and what PostgreSQL holds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol, Self

from msgspec import Struct

from tests.bench.feed import Feed
from tests.bench.load import Address, Caller
from tidemill_stack.child import Child
from tidemill_stack.component import Component

type Received = Callable[[bytes, float], None]
STARTED_S = 60.0
LOOK_S = 0.1


class Door(Struct, frozen=True):
    """Where requests and sockets go: to the services themselves, or through a gateway."""

    name: str
    http: Address
    sockets: Address


class Who(Struct, frozen=True):
    """Somebody new, so that what is counted is of one run alone."""

    name: str
    token: str | None = None


class Standing(Struct, frozen=True):
    """What PostgreSQL says of somebody's jobs; `last` ended at that second of the epoch."""

    accepted: int
    done: int
    failed: int
    last: float


class Chain(Struct, frozen=True):
    """A pipeline that PostgreSQL holds: its input and the results kept of its steps."""

    value: int
    kept: list[int]

    @property
    def is_right(self) -> bool:
        plus = self.value + 5
        return self.kept == [plus, plus * 2, plus * 2 - 10]


class Endings:
    """A socket on which jobs are seen to end."""

    _feed: Feed

    def __init__(self, side: "Side") -> None:
        self._side = side
        self._ended = asyncio.Queue[tuple[str, float]]()

    @classmethod
    async def open(cls, side: "Side", who: Who, door: Door) -> Self:
        endings = cls(side)
        endings._feed = await side.watch(who, door, endings._received)
        return endings

    async def next(self) -> tuple[str, float]:
        """The next job that has succeeded, and when its frame came."""
        async with asyncio.timeout(STARTED_S):
            return await self._ended.get()

    def close(self) -> None:
        self._feed.close()

    def _received(self, payload: bytes, moment: float) -> None:
        for job_id in self._side.endings(payload):
            self._ended.put_nowait((job_id, moment))


class Worker:
    """The process that runs jobs, with its children: started, stopped and killed by the bench."""

    def __init__(self, component: Component, logs: Path) -> None:
        self.component, self._logs = component, logs
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> None:
        if self._child is None:
            for folder in (self._logs, self.component.folder):
                folder.mkdir(exist_ok=True)
            self._child = Child(self.component, self._logs, _unheard)
            self._child.start()
            await self._child.ready(STARTED_S)

    async def stop(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            await child.stop()


class Publisher(Protocol):
    """Puts events on their way to somebody's sockets; `mark` is once in each as it arrives."""

    mark: bytes

    async def publish(self) -> None: ...

    async def close(self) -> None: ...


class Side(Protocol):
    """A system under measure."""

    name: str
    doors: dict[str, Door]
    worker: Worker | None
    uploads: dict[str, Address]
    """Who takes a file, by the name of the door; the process is `taker`."""
    taker: str

    def roots(self) -> dict[str, int]:
        """Its processes by name; their children belong to them."""
        ...

    async def versions(self) -> dict[str, str]: ...

    async def newcomer(self) -> Who: ...

    def job(self, who: Who, kind: str, **params: float | str) -> bytes:
        """The request that submits a job: `noop`, `spin` or `nap`."""
        ...

    def pipeline(self, who: Who, value: int) -> bytes:
        """The request that submits the arithmetic pipeline."""
        ...

    def alive(self) -> bytes:
        """The request that asks the API whether it lives."""
        ...

    def uploading(self, who: Who, size: int) -> bytes:
        """The head of the request that uploads so many bytes on a connection of its own."""
        ...

    async def kept(self, who: Who, answer: bytes) -> str:
        """The sha256 of what the answer says was kept; it is removed then."""
        ...

    async def straight(self, blocks: AsyncIterator[bytes]) -> float | None:
        """Seconds until the object store itself has the same bytes; None where there is none."""
        ...

    async def watch(self, who: Who, door: Door, received: Received) -> Feed:
        """An open socket that gets everything of theirs, from now on."""
        ...

    def endings(self, payload: bytes) -> list[str]:
        """The jobs that a frame says have succeeded."""
        ...

    async def publisher(self, who: Who) -> Publisher: ...

    async def standing(self, who: Who) -> Standing: ...

    async def chains(self, who: Who) -> list[Chain]: ...

    async def ended_twice(self, who: Who) -> int | None:
        """Jobs with more than one ending; None where each execution has its effect unasked."""
        ...


async def settled(side: Side, who: Who, jobs: int, within_s: float) -> Standing:
    """Wait until so many jobs have ended, or for so long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    standing = await side.standing(who)
    while standing.done + standing.failed < jobs and loop.time() < until:
        await asyncio.sleep(LOOK_S)
        standing = await side.standing(who)
    return standing


async def at_work(side: Side) -> None:
    """Start the worker and let it prove itself with one job."""
    if side.worker is not None:
        await side.worker.start()
    who, door = await side.newcomer(), side.doors["service"]
    caller = await Caller.open(door.http)
    await caller.ask(side.job(who, "noop"), 202)
    caller.close()
    standing = await settled(side, who, 1, STARTED_S)
    if standing.done != 1:
        raise TimeoutError(f"the worker of {side.name} ran no job within {STARTED_S:.0f} s")


def address(url: str) -> Address:
    """Host and port of a URL such as `http://127.0.0.1:8080`."""
    host, _, port = url.partition("://")[2].partition("/")[0].partition(":")
    return host, int(port)


def _unheard() -> None:
    """Nobody is told of a worker's life."""
