"""Many idle sockets cost little, and all may come back at the same time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from itertools import batched
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec
import pytest

from tests.bench.feed import Feed
from tests.e2e.conftest import Register
from tests.faults.audit import QUIET_S
from tidemill_stack.stack import Stack

AT_ONCE = 50
BACK_S = 15.0
SOCKET_KIB = 80.0


@pytest.fixture(scope="session")
def crowd_size() -> tuple[int, int]:
    """How many sockets are open, and how many of them come back at once."""
    return 500, 100


class Audience:
    """Sockets of one user that know where to go on."""

    def __init__(self, stack: Stack, token: str) -> None:
        host, _, port = stack.urls["notifier"].removeprefix("http://").partition(":")
        self._address = host, int(port)
        self._headers = {"Authorization": f"Bearer {token}"}
        self.feeds: list[Feed] = []

    async def join(self, since: str) -> str:
        """One more; where it became live."""
        live: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def received(payload: bytes, _: float) -> None:
            if payload.startswith(b'{"op":"live"'):
                live.set_result(msgspec.json.decode(payload)["cursor"])

        feed = await Feed.open(self._address, "/v1/stream", received, headers=self._headers)
        order = {"op": "subscribe", "id": "s", "topics": ["all"], "since": since}
        feed.send(msgspec.json.encode(order))
        self.feeds.append(feed)
        return await live

    async def timed(self, since: str) -> float:
        """Seconds until one more is live; it comes back until it may."""
        began = time.perf_counter()
        while True:
            try:
                await self.join(since)
            except (OSError, TimeoutError):
                continue
            return time.perf_counter() - began

    def leave(self) -> None:
        for feed in self.feeds:
            feed.close()


@pytest.fixture
async def audience(
    hurt: Stack, register: Register
) -> AsyncGenerator[tuple[Audience, Callable[..., Any]]]:
    ann = await register(hurt)
    made = Audience(hurt, ann.tokens.access_token)
    yield made, ann.client.submit
    made.leave()


async def test_a_crowd_comes_back_at_once_and_memory_stays_bounded(
    hurt: Stack,
    audience: tuple[Audience, Callable[..., Any]],
    crowd_size: tuple[int, int],
    record_property: Callable[[str, object], None],
) -> None:
    sockets, back = crowd_size
    crowd, submit = audience
    since = await crowd.join("now")
    empty = rss_kib(hurt)
    for some in batched(range(sockets), AT_ONCE, strict=False):
        await asyncio.gather(*[crowd.join("now") for _ in some])
    idle = (rss_kib(hurt) - empty) / sockets
    for number in range(20):
        await submit(processor="noop", value=number)

    killed = hurt.kill("notifier")
    await hurt.ready("notifier", instead_of=killed)
    async with asyncio.timeout(QUIET_S):
        took = await asyncio.gather(*[crowd.timed(since) for _ in range(back)])

    p99 = quantiles(took, n=100)[98]
    record_property("KiB of an idle socket", round(idle, 1))
    record_property("p99 s of coming back", round(p99, 2))
    assert idle < SOCKET_KIB
    assert p99 <= BACK_S
    assert rss_kib(hurt) - empty < back * SOCKET_KIB + 64 * 1024


def rss_kib(stack: Stack) -> float:
    """Resident memory of the notifier."""
    lines = Path(f"/proc/{stack.pid('notifier')}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
