"""The loop: fetches orders, claims them, runs them, and lets go of them at the end.

It runs no processor code itself.
"""

import asyncio
import time
from asyncio import Task
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import structlog
from nats.aio.msg import Msg

from tidemill_contracts.ids import uuid7
from tidemill_contracts.processors import ProcessorInfo
from tidemill_contracts.work import Announce, ClaimAnswer, ClaimOutcome, RunTask, Work
from tidemill_kit.bus import BusAway, RequestRefused
from tidemill_processor.attempt import Attempt, Tools
from tidemill_processor.beats import Beats
from tidemill_processor.inbox import Inbox
from tidemill_processor.order import KEPT_ALIVE_S, Identity, Order
from tidemill_processor.pure import Pure
from tidemill_processor.slots import Slot
from tidemill_processor.trips import Trips, Unanswered

log = structlog.get_logger()

HOLD_S = 1.0
SURPLUS_S = 0.25
STRAY_S = 1.0
AHEAD_S = 0.25
MAX_AHEAD = 64
TYPICAL_S = 0.5
LAST_WORDS_S = 5.0
_decode_task = msgspec.json.Decoder(RunTask).decode


class Loop:
    """All work of one worker, from its first announcement to its last report."""

    def __init__(self, tools: Tools, identity: Identity) -> None:
        self.attempts: dict[UUID, Attempt] = {}
        self._tools = tools
        self._identity = identity
        self._claims = Trips(tools.client, "tm.rpc.jobs.claim", ClaimAnswer)
        self._pure = Pure(tools, identity, run_in_slot=self._run_in_slot, finished=self._nudge_all)
        self._beats = Beats(
            tools.client,
            identity,
            tools.settings.beat_s,
            attempts=self.attempts,
            loose=self._loose,
            announcement=self._announcement,
            announced=self._announced,
        )
        self._inboxes: dict[str, Inbox] = {}
        self._waiting: deque[Order] = deque()
        self._claiming: set[Order] = set()
        self._arrived = asyncio.Event()
        self._serving: set[Task[None]] = set()
        self._running: set[Task[None]] = set()
        self._typical_s = TYPICAL_S
        self._draining = False

    @property
    def away(self) -> bool:
        """Whether the jobs service does not answer."""
        return self._beats.away or self._claims.away or self._tools.reports.away

    async def run(self) -> None:
        """Work until cancelled; whatever fails here ends the process."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pure.run())
            # whichever child is up first knows the processors, and there is nothing to say before
            await self._tools.slots.known.wait()
            for part in (
                self._claims.run(),
                self._tools.reports.run(),
                self._beats.run(),
                self._dispatch(),
                self._follow_slots(),
            ):
                group.create_task(part)
            for queue in sorted({info.queue for info in self._processors}):
                inbox = self._inboxes[queue] = self._inbox(queue)
                group.create_task(inbox.run())

    async def drain(self) -> None:
        """Take nothing more, let what runs finish in time, hand back the rest."""
        self._draining = True
        while self._waiting:
            await self._waiting.popleft().hand_back()
        with suppress(BusAway, RequestRefused):
            await self._beats.announce()
        if not await self._quiet(self._tools.settings.drain_s):
            for attempt in list(self.attempts.values()):
                attempt.release("drain")
            await self._quiet(LAST_WORDS_S)
        await asyncio.gather(*(inbox.close() for inbox in self._inboxes.values()))

    def reconnected(self) -> None:
        """The connection to NATS is a new one."""
        for inbox in self._inboxes.values():
            inbox.reset()
        self._beats.announce_now()

    @property
    def _processors(self) -> list[ProcessorInfo]:
        return self._tools.slots.processors

    def _announcement(self) -> Announce:
        return Announce(
            worker=self._identity.worker,
            boot_id=self._identity.boot_id,
            slots=self._tools.slots.count,
            processors=self._processors,
            leaving=self._draining,
        )

    def _announced(self) -> None:
        for inbox in self._inboxes.values():
            inbox.retry()

    def _inbox(self, queue: str) -> Inbox:
        return Inbox(
            self._tools.client,
            queue,
            room=self._room,
            take=self._take,
            lost=self._beats.announce_now,
            pull_s=self._tools.settings.pull_s,
        )

    @property
    def _ahead(self) -> int:
        """Orders to have at hand while all slots are busy: what they do in a quarter second."""
        return min(MAX_AHEAD, int(self._tools.slots.count * AHEAD_S / max(self._typical_s, 0.001)))

    def _slot_room(self) -> int:
        return max(0, self._tools.slots.free + self._ahead - len(self._waiting))

    def _room(self, queue: str) -> int:
        if self._draining or self.away:
            return 0
        has_pure = any(info.pure and info.queue == queue for info in self._processors)
        return self._slot_room() + (max(0, self._pure.room) if has_pure else 0)

    async def _take(self, queue: str, message: Msg) -> None:
        try:
            task = _decode_task(message.data)
        except msgspec.DecodeError as error:
            log.error("order.unreadable", queue=queue, reason=str(error))  # noqa: TRY400
            await message.term()
            return
        order = Order(message=message, task=task)
        if self._draining:
            await order.hand_back()
        elif task.work is not None and not self._knows(task.work):
            await order.hand_back(STRAY_S)
        elif task.work is not None and _is_inline(task.work):
            self._pure.put(order, task.work)
        elif self._slot_room() > 0:
            self._run_in_slot(order)
        else:
            await order.hand_back(SURPLUS_S)

    def _knows(self, work: Work) -> bool:
        names = {info.name for info in self._processors}
        return all(step.processor in names for step in work.steps)

    def _run_in_slot(self, order: Order) -> None:
        self._waiting.append(order)
        self._arrived.set()

    async def _dispatch(self) -> None:
        """Give waiting orders the slots as they become free; what waits too long goes back."""
        slots = self._tools.slots
        while True:
            await self._arrived.wait()
            if not self._waiting:
                self._arrived.clear()
                continue
            # what the pure child died of would only kill it again
            patience = KEPT_ALIVE_S if self._waiting[0].task.work else HOLD_S
            slot: Slot | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(self._waiting[0].arrived + patience - time.monotonic()):
                    slot = await slots.acquire()
            if not self._waiting:
                if slot is not None:
                    slots.release(slot)
            elif slot is None:
                await self._waiting.popleft().hand_back()
            else:
                self._spawn(self._serve(self._waiting.popleft(), slot))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._serving.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: Task[None]) -> None:
        self._serving.discard(task)
        self._nudge_all()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attempt.broke", exc_info=error)

    async def _serve(self, order: Order, slot: Slot) -> None:
        run_id = uuid7()
        self._claiming.add(order)
        try:
            answer = await self._claims.ask(
                order.claim(run_id, self._identity), order.arrived + KEPT_ALIVE_S
            )
        except Unanswered:
            self._tools.slots.release(slot)
            return
        finally:
            self._claiming.discard(order)
        if answer.outcome is ClaimOutcome.GRANTED:
            await self._attempt(Attempt(self._tools, slot, order, run_id, answer))
            return
        self._tools.slots.release(slot)
        if answer.outcome is not ClaimOutcome.BUSY:
            await order.ack()

    async def _attempt(self, attempt: Attempt) -> None:
        self.attempts[attempt.run_id] = attempt
        try:
            await attempt.run()
        finally:
            del self.attempts[attempt.run_id]
        took = time.monotonic() - attempt.begun_at
        self._typical_s += (took - self._typical_s) / 5

    def _loose(self) -> Iterator[Order]:
        """Orders in hand that are not claimed."""
        yield from self._waiting
        yield from self._claiming
        yield from self._pure.unsettled

    async def _follow_slots(self) -> None:
        """A slot that is idle again is room for an order."""
        changed = self._tools.slots.changed
        while True:
            await changed.wait()
            changed.clear()
            self._nudge_all()

    def _nudge_all(self) -> None:
        for inbox in self._inboxes.values():
            inbox.nudge()

    async def _quiet(self, seconds: float) -> bool:
        """Whether all that runs ended in time, and no pull can bring more."""
        try:
            async with asyncio.timeout(seconds):
                while self._serving:
                    await asyncio.wait(self._serving)
                await self._pure.settle()
                for inbox in self._inboxes.values():
                    await inbox.expired()
        except TimeoutError:
            return False
        return True


def _is_inline(work: Work) -> bool:
    """Whether nothing has to be fetched before it can run."""
    given = work.given
    return given.value_ref is None and given.frame is None and given.source is None
