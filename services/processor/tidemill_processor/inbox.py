"""Orders of one queue: pulled from WORK as there is room for them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from tidemill_kit.streams import WORK

log = structlog.get_logger()

NO_RESPONDERS = "503"
TIMED_OUT = "408"
TOP_UP = 64
LATE_S = 1.0
BACK_OFF_S = 0.5


class Inbox:
    """Keeps pulls open for as many orders as `room` answers; nats-py's own fetch would wait for
    a whole batch and cannot be asked for more meanwhile.
    """

    def __init__(
        self,
        client: Client,
        queue: str,
        *,
        room: Callable[[str], int],
        take: Callable[[str, Msg], Awaitable[None]],
        lost: Callable[[], None],
        pull_s: float,
    ) -> None:
        self.queue = queue
        self._client = client
        self._room = room
        self._take = take
        self._lost = lost
        self._pull_s = pull_s
        self._address = client.new_inbox()
        self._asked = 0
        self._pulls: dict[str, float] = {}
        self._count = 0
        self._not_before = 0.0
        self._nudge = asyncio.Event()
        self._subscription: Subscription | None = None

    def nudge(self) -> None:
        """There may be room now."""
        self._nudge.set()

    def retry(self) -> None:
        """What was lost is there again."""
        self._not_before = 0.0
        self.nudge()

    def reset(self) -> None:
        """The connection is a new one: the server has forgotten all pulls."""
        self._pulls.clear()
        self._asked = 0
        self.nudge()

    async def run(self) -> None:
        self._subscription = await self._client.subscribe(f"{self._address}.*", cb=self._received)
        while True:
            try:
                await self._pull()
            except NatsError as error:
                log.warning("inbox.pull_failed", queue=self.queue, reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), LATE_S)
            self._nudge.clear()

    async def close(self) -> None:
        """Take what is under way and no more: open pulls end where nobody listens for them."""
        if self._subscription is not None and self._client.is_connected:
            with suppress(NatsError, TimeoutError):
                await asyncio.wait_for(self._subscription.drain(), LATE_S)

    async def _pull(self) -> None:
        self._forget()
        room = self._room(self.queue)
        want = room - self._asked
        enough = min(TOP_UP, max(1, room // 2))
        if time.monotonic() < self._not_before or want <= 0 or (self._asked and want < enough):
            return
        self._count += 1
        address = f"{self._address}.{self._count}"
        self._pulls[address] = time.monotonic() + self._pull_s + LATE_S
        self._asked += want
        body = {"batch": want, "expires": int(self._pull_s * 1e9)}
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{WORK}.work-{self.queue}",
            msgspec.json.encode(body),
            reply=address,
        )

    async def _received(self, message: Msg) -> None:
        if message.subject in self._pulls or message.subject.startswith(self._address):
            self._status(message)
            return
        self._asked = max(0, self._asked - 1)
        if self._asked == 0:
            self._pulls.clear()
        await self._take(self.queue, message)

    def _status(self, message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status", "")
        if self._pulls.pop(message.subject, None) is not None:
            unfilled = int(headers.get("Nats-Pending-Messages", 0))
            self._asked = max(0, self._asked - unfilled)
            self._forget()
        if status != TIMED_OUT:
            self._not_before = time.monotonic() + BACK_OFF_S
            log.info("inbox.pull_ended", queue=self.queue, status=status, why=headers)
            if status == NO_RESPONDERS or "Deleted" in headers.get("Description", ""):
                self._lost()
        self.nudge()

    def _forget(self) -> None:
        now = time.monotonic()
        for address in [each for each, until in self._pulls.items() if until < now]:
            del self._pulls[address]
        if not self._pulls:
            self._asked = 0
