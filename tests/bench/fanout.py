"""M5: one event after another to 500 sockets of one user."""

import asyncio
import time

from tests.bench.feed import Feed
from tests.bench.side import Publisher
from tests.bench.trial import Ground

SOCKETS = 500
WINDOW = 8
OPEN_AT_ONCE = 25
SILENT_S = 30.0


class Audience:
    """So many sockets, and how many deliveries they have seen."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._news = asyncio.Event()
        self.feeds: list[Feed] = []
        self.seen = 0

    def received(self, payload: bytes, _: float) -> None:
        """A frame may carry several events."""
        self.seen += payload.count(self._mark)
        self._news.set()

    async def until(self, deliveries: int) -> None:
        """Wait until so many have come; TimeoutError after a silence."""
        while self.seen < deliveries:
            self._news.clear()
            async with asyncio.timeout(SILENT_S):
                await self._news.wait()

    def close(self) -> None:
        for feed in self.feeds:
            feed.close()


async def fan_out(ground: Ground) -> None:
    """At most 8 events are on their way to some socket; the next follows at once."""
    side, trial, events = ground.side, ground.trial, ground.scale.m5_events
    who = await side.newcomer()
    publisher = await side.publisher(who)
    audience = Audience(publisher.mark)
    while len(audience.feeds) < SOCKETS:
        opening = [side.watch(who, ground.door, audience.received) for _ in range(OPEN_AT_ONCE)]
        audience.feeds += await asyncio.gather(*opening)
    await _publish(publisher, audience, ground.scale.warm_up)
    window, before = ground.window(), audience.seen
    began = time.perf_counter()
    await _publish(publisher, audience, events)
    took = time.perf_counter() - began
    ground.account(window, SOCKETS * events)
    trial.expect("deliveries", audience.seen - before, SOCKETS * events)
    trial.expect("sockets closed", sum(feed.closed is not None for feed in audience.feeds), 0)
    trial.figures["deliveries_per_s"] = (audience.seen - before) / took
    audience.close()
    await publisher.close()


async def _publish(publisher: Publisher, audience: Audience, events: int) -> None:
    before = audience.seen
    for number in range(1, events + 1):
        await publisher.publish()
        await audience.until(before + SOCKETS * (number + 1 - WINDOW))
    await audience.until(before + SOCKETS * events)
