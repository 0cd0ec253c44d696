"""The one JetStream consumer of this process, with its continuity checked message by message."""

import asyncio
import time
from collections.abc import Callable

import structlog
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg

from tidemill_kit import streams
from tidemill_kit.streams import EVENTS, StreamRefused

log = structlog.get_logger()
type Received = Callable[[int, str, bytes], bool]

_NANOSECONDS = 1_000_000_000
_MISSED_BEATS = 3
# what the server asks once it has sent a lot; the answer says that all before it was read
_FLOW = "$JS.FC."


class StreamState(Struct, frozen=True):
    """Which store holds the stream, and which positions it has."""

    created: str
    first: int
    last: int


async def state(client: Client) -> StreamState:
    """Where EVENTS stands; StreamRefused where it does not exist."""
    info = await streams.ask(client, f"STREAM.INFO.{EVENTS}")
    if "error" in info:
        raise StreamRefused(str(info["error"].get("description")))
    found = info["state"]
    return StreamState(info["created"], max(found["first_seq"], 1), found["last_seq"])


def connection_number(client: Client) -> int:
    """Counts connections; nats-py raises it before anything arrives on a new one."""
    return client.stats["reconnects"]


class Feed:
    """Hands over every event from a position on, until something breaks its continuity."""

    def __init__(
        self,
        client: Client,
        received: Received,
        *,
        connection: int,
        heartbeat_s: float,
    ) -> None:
        self._client = client
        self._received = received
        self._heartbeat_s = heartbeat_s
        self._connection = connection
        self._broken = asyncio.Event()
        self._heard = time.monotonic()
        self._next = 0

    async def follow(self, start: int) -> None:
        """Hand events over in order; returns when the stream has to be asked for anew."""
        self._next = start
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox, cb=self._arrived)
        try:
            await self._create(inbox, start)
            while not self._silent():
                try:
                    await asyncio.wait_for(self._broken.wait(), self._heartbeat_s)
                except TimeoutError:
                    continue
                return
        finally:
            await subscription.unsubscribe()

    def stop(self, reason: str) -> None:
        """Make `follow` return."""
        if not self._broken.is_set():
            log.info("feed.broken", reason=reason, position=self._next - 1)
            self._broken.set()

    async def _create(self, inbox: str, start: int) -> None:
        config = {
            "deliver_subject": inbox,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": start,
            "ack_policy": "none",
            "replay_policy": "instant",
            "idle_heartbeat": int(self._heartbeat_s * _NANOSECONDS),
            "flow_control": True,
            "inactive_threshold": 10 * _NANOSECONDS,
            "mem_storage": True,
            "num_replicas": 1,
        }
        request = {"stream_name": EVENTS, "config": config}
        answer = await streams.ask(self._client, f"CONSUMER.CREATE.{EVENTS}", request)
        if "error" in answer:
            raise StreamRefused(str(answer["error"].get("description")))
        self._heard = time.monotonic()

    async def _arrived(self, message: Msg) -> None:
        if self._broken.is_set() or self._connection != connection_number(self._client):
            self.stop("another connection")
            return
        self._heard = time.monotonic()
        if not message.reply:
            await self._beat(message)
            return
        if message.reply.startswith(_FLOW):
            await self._client.publish(message.reply)
            return
        position = int(message.reply.split(".")[-4])
        if position == self._next:
            self._next += 1
            if self._received(position, message.subject, message.data):
                await asyncio.sleep(0)
        elif position > self._next:
            self.stop(f"hole before {position}")

    async def _beat(self, message: Msg) -> None:
        headers = message.headers or {}
        if stalled := headers.get("Nats-Consumer-Stalled"):
            await self._client.publish(stalled)
        last = headers.get("Nats-Last-Stream")
        if last is not None and int(last) >= self._next:
            self.stop(f"hole before {last}")

    def _silent(self) -> bool:
        silent = time.monotonic() - self._heard > _MISSED_BEATS * self._heartbeat_s
        if silent:
            self.stop("silent")
        return silent
