"""From an order at hand to a running attempt: claims, as slots become free."""

import asyncio
import time
from asyncio import Task
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog

from tidemill_contracts.ids import uuid7
from tidemill_contracts.work import ClaimAnswer, ClaimOutcome
from tidemill_processor.attempt import Attempt, Tools
from tidemill_processor.metrics import HELD
from tidemill_processor.order import KEPT_ALIVE_S, Identity, Order
from tidemill_processor.trips import Trips, Unanswered

log = structlog.get_logger()

HOLD_S = 1.0
AHEAD_S = 0.25
MAX_AHEAD = 64
CLAIM_AHEAD_S = 0.1
TYPICAL_S = 0.5


class Dispatch:
    """Claims what waits, and follows each attempt to its end.

    Where tasks are short, some are fetched and claimed while all slots are busy: asking only then
    would leave the processors idle for part of the time.
    """

    def __init__(self, tools: Tools, identity: Identity, changed: Callable[[], None]) -> None:
        self.attempts: dict[UUID, Attempt] = {}
        self.claims = Trips(tools.client, "tm.rpc.jobs.claim", ClaimAnswer)
        self._tools = tools
        self._identity = identity
        self._changed = changed
        self._waiting: deque[Order] = deque()
        self._claiming: set[Order] = set()
        self._engaged: set[Order] = set()
        self._serving: set[Task[None]] = set()
        self._wake = asyncio.Event()
        self._typical_s = TYPICAL_S

    @property
    def room(self) -> int:
        """How many more orders are wanted at hand."""
        slots = self._tools.slots
        ahead = min(MAX_AHEAD, int(slots.count * AHEAD_S / max(self._typical_s, 0.001)))
        return max(0, slots.usable + ahead - len(self._engaged) - len(self._waiting))

    @property
    def unclaimed(self) -> Iterator[Order]:
        yield from self._waiting
        yield from self._claiming

    def put(self, order: Order) -> None:
        self._waiting.append(order)
        self._wake.set()

    def wake(self) -> None:
        """A slot may be free."""
        self._wake.set()

    async def run(self) -> None:
        """Claim waiting orders as slots become free; what waits too long goes back."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._patience())
            self._wake.clear()
            while self._waiting and self._may_claim():
                order = self._waiting.popleft()
                self._engaged.add(order)
                self._spawn(self._serve(order))
            while self._waiting and self._patience() == 0:
                await self._waiting.popleft().hand_back()

    async def hand_back(self) -> None:
        """Let other workers have what is not claimed."""
        while self._waiting:
            await self._waiting.popleft().hand_back()

    async def settle(self) -> None:
        """Wait until all that was claimed has ended and is reported."""
        while self._serving:
            await asyncio.wait(self._serving)

    def _may_claim(self) -> bool:
        slots = self._tools.slots
        ahead = slots.count if self._typical_s < CLAIM_AHEAD_S else 0
        return slots.usable > 0 and len(self._engaged) < slots.usable + ahead

    def _patience(self) -> float | None:
        """Seconds until the order that waits longest should go to another worker."""
        if not self._waiting:
            return None
        order = self._waiting[0]
        # what the pure child died of would only kill it again
        hold_s = KEPT_ALIVE_S if order.task.work is not None else HOLD_S
        return max(0.0, order.arrived + hold_s - time.monotonic())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._serving.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: Task[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attempt.broke", exc_info=error)

    async def _serve(self, order: Order) -> None:
        run_id = uuid7()
        try:
            answer = await self._claim(order, run_id)
            if answer is not None and answer.outcome is ClaimOutcome.GRANTED:
                await self._attempt(Attempt(self._tools, order, run_id, answer, self._left_slot))
            elif answer is not None and answer.outcome is not ClaimOutcome.BUSY:
                await order.ack()
        finally:
            self._disengage(order)

    async def _claim(self, order: Order, run_id: UUID) -> ClaimAnswer | None:
        self._claiming.add(order)
        try:
            claim = order.claim(run_id, self._identity)
            return await self.claims.ask(claim, order.arrived + KEPT_ALIVE_S)
        except Unanswered:
            log.warning("order.unclaimed", task_id=str(order.task.task_id))
            return None
        finally:
            self._claiming.discard(order)

    async def _attempt(self, attempt: Attempt) -> None:
        self.attempts[attempt.held.run_id] = attempt
        try:
            with HELD.track_inprogress():
                await attempt.run()
        finally:
            del self.attempts[attempt.held.run_id]

    def _left_slot(self, order: Order, took_s: float) -> None:
        self._typical_s += (took_s - self._typical_s) / 5
        self._disengage(order)

    def _disengage(self, order: Order) -> None:
        self._engaged.discard(order)
        self._wake.set()
        self._changed()
