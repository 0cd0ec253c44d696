"""A job's log: what is kept of it, what is being said, and nothing twice."""

import asyncio
from asyncio import Future
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, TypedDict, Unpack
from uuid import UUID

from tidemill_client.gateway import Gateway
from tidemill_client.live import Live
from tidemill_client.subscription import Item, Received, Subscription
from tidemill_contracts.lines import LineStream, LogLine, LogPage
from tidemill_contracts.stream import Logged

ENDED = ["job.succeeded", "job.failed", "job.cancelled", "job.expired"]
KNOWN_LINES = 20_000
AT_ONCE = 1_000
LATE_S = 3.0


class LogFilter(TypedDict, total=False):
    """Which lines of a job; without any, all."""

    attempt: int | None
    step: str | None
    stream: LineStream | None


class Log:
    """Lines of one job, each once."""

    def __init__(self, gateway: Gateway, job_id: UUID, **which: Unpack[LogFilter]) -> None:
        self._gateway = gateway
        self._job_id = job_id
        self._which = which
        self._cursor: str | None = None
        self._known: dict[tuple[str, int, int], None] = {}

    async def page(self, *, after: str | None = None, limit: int = 50) -> LogPage:
        query = {"after": after, "limit": limit, **self._which}
        path = f"/v1/jobs/{self._job_id}/logs"
        return await self._gateway.call("GET", path, LogPage, query=query)

    async def kept(self) -> AsyncGenerator[LogLine]:
        """What is kept and has not come yet, oldest first."""
        while True:
            page = await self.page(after=self._cursor, limit=AT_ONCE)
            self._cursor = page.cursor
            for line in page.items:
                if self._is_new(line):
                    yield line
            if page.next_cursor is None:
                return

    async def follow(self) -> AsyncGenerator[LogLine]:
        """What is kept, then what is said, until the job has ended.

        What could not be shown in time comes once it is kept: late, but it comes.
        """
        topic = f"job.{self._job_id}"
        types = ["job.log", *ENDED]
        live = Live(self._gateway, Subscription([topic], types=types, since="start"))
        async with live, aclosing(_with_pauses(live)) as items:
            async for item in items:
                if isinstance(item, Logged):
                    for line in item.lines:
                        if self._matches(line) and self._is_new(line):
                            yield line
                elif item is None or isinstance(item, Received):
                    async with aclosing(self.kept()) as lines:
                        async for line in lines:
                            yield line
                if isinstance(item, Received):
                    return

    def _matches(self, line: LogLine) -> bool:
        wanted = self._which
        return (
            wanted.get("attempt") in (None, line.attempt)
            and wanted.get("step") in (None, line.step)
            and wanted.get("stream") in (None, line.stream)
        )

    def _is_new(self, line: LogLine) -> bool:
        key = (line.step, line.attempt, line.number)
        if key in self._known:
            return False
        self._known[key] = None
        if len(self._known) > KNOWN_LINES:
            del self._known[next(iter(self._known))]
        return True


async def _with_pauses(live: Live) -> AsyncGenerator[Item | None]:
    """The items of a subscription; None at first, and again when what was said before is kept."""
    yield None
    pause: Future[Any] = asyncio.ensure_future(asyncio.sleep(LATE_S))
    coming: Future[Any] = asyncio.ensure_future(anext(live))
    try:
        await asyncio.wait([pause, coming], return_when=asyncio.FIRST_COMPLETED)
        while True:
            if not pause.done():
                await asyncio.wait([pause, coming], return_when=asyncio.FIRST_COMPLETED)
                if pause.done():
                    yield None
                    continue
            item: Item = await coming
            yield item
            coming = asyncio.ensure_future(anext(live))
    finally:
        for each in (pause, coming):
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each
