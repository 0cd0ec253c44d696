"""Signs of life: who this worker is, what it holds, and what it hears back about it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from uuid import UUID

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from tidemill_contracts.work import Announce, Beat, BeatOutcome, CancelTask
from tidemill_kit.bus import BusAway, RequestRefused, call, exit_process
from tidemill_processor.attempt import Attempt
from tidemill_processor.order import KEPT_ALIVE_S, Identity, Order

log = structlog.get_logger()

AGAIN_S = 1.0
_decode_cancel = msgspec.json.Decoder(CancelTask).decode


class Beats:
    """One request for all that is held, every beat and as soon as a cancel is heard."""

    def __init__(
        self,
        client: Client,
        identity: Identity,
        beat_s: float,
        *,
        attempts: dict[UUID, Attempt],
        loose: Callable[[], Iterable[Order]],
        announcement: Callable[[], Announce],
        announced: Callable[[], None],
    ) -> None:
        self.away = False
        self._client = client
        self._identity = identity
        self._beat_s = beat_s
        self._attempts = attempts
        self._loose = loose
        self._announcement = announcement
        self._announced = announced
        self._now = asyncio.Event()
        self._announced_at = -beat_s

    async def run(self) -> None:
        await self._client.subscribe("tm.control.cancel", cb=self._cancel)
        while True:
            if self._client.is_closed:
                exit_process("the connection to NATS is closed")
            await self._round()
            with suppress(TimeoutError):
                wait_s = AGAIN_S if self.away else self._beat_s
                await asyncio.wait_for(self._now.wait(), wait_s)
            self._now.clear()

    def announce_now(self) -> None:
        """What the jobs service knows of this worker may be out of date."""
        self._announced_at = -self._beat_s
        self._now.set()

    async def announce(self) -> None:
        await call(self._client, "tm.rpc.jobs.announce", self._announcement(), dict[str, object])
        self._announced_at = time.monotonic()
        self._announced()

    async def _round(self) -> None:
        held = list(self._attempts.values())
        try:
            if time.monotonic() - self._announced_at >= self._beat_s - 0.1:
                await self.announce()
            outcomes = await self._ask(held)
        except (BusAway, RequestRefused) as error:
            if not self.away:
                log.warning("jobs.away", reason=str(error))
            self.away = True
            await self._keep_alive(held)
            return
        self.away = False
        for attempt, outcome in zip(held, outcomes, strict=True):
            await self._obey(attempt, outcome)
        await self._keep_loose_alive()

    async def _ask(self, held: list[Attempt]) -> list[BeatOutcome]:
        if not held:
            return []
        beat = Beat(
            worker=self._identity.worker,
            boot_id=self._identity.boot_id,
            held=[attempt.held_now for attempt in held],
        )
        return await call(self._client, "tm.rpc.jobs.beat", beat, list[BeatOutcome])

    async def _obey(self, attempt: Attempt, outcome: BeatOutcome) -> None:
        match outcome:
            case BeatOutcome.OK:
                attempt.alive_at = time.monotonic()
                await attempt.order.keep_alive()
            case BeatOutcome.CANCELLED:
                attempt.alive_at = time.monotonic()
                await attempt.order.keep_alive()
                attempt.cancel()
            case BeatOutcome.SUPERSEDED:
                attempt.abandon()

    async def _keep_alive(self, held: list[Attempt]) -> None:
        """With the jobs service away, what is in hand is kept for a minute."""
        since = time.monotonic() - KEPT_ALIVE_S
        for attempt in held:
            if attempt.alive_at > since:
                await attempt.order.keep_alive()
        await self._keep_loose_alive()

    async def _keep_loose_alive(self) -> None:
        """Orders not claimed yet; young ones need no word."""
        moment = time.monotonic()
        for order in list(self._loose()):
            if self._beat_s / 2 < moment - order.arrived < KEPT_ALIVE_S:
                await order.keep_alive()

    async def _cancel(self, message: Msg) -> None:
        try:
            order = _decode_cancel(message.data)
        except msgspec.DecodeError as error:
            log.warning("cancel.unreadable", reason=str(error))
            return
        attempt = self._attempts.get(order.run_id)
        if attempt is not None and attempt.is_meant(order):
            log.info("attempt.cancelled", job_id=str(order.job_id), grace_s=order.grace_s)
            attempt.cancel(order.grace_s)
            self._now.set()
