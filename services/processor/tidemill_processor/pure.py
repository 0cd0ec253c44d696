"""Tasks of pure steps: run first, hundreds at a time, then claimed and finished in one report."""

import asyncio
from asyncio import Task
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import structlog
from msgspec import UNSET, Struct

from tidemill_contracts.ids import uuid7
from tidemill_contracts.work import (
    Ending,
    Payload,
    ReportOutcome,
    ReportTask,
    StepOutput,
    Work,
)
from tidemill_kit.errors import TidemillError
from tidemill_processor.attempt import Tools
from tidemill_processor.metrics import ENDED
from tidemill_processor.order import Identity, Order
from tidemill_processor.process import Child, warm
from tidemill_processor.settings import MEGABYTE
from tidemill_processor.telling import REPEATED_BEYOND_LEASE_S
from tidemill_processor.transfer import JSON, fault
from tidemill_processor.trips import Unanswered
from tidemill_processor.wire import Answer, Answers, Batch, Chain, StepDone

log = structlog.get_logger()

MAX_BATCH = 256
MAX_LOAD = 1_024
SILENCE_S = 10.0


class Ran(Struct, frozen=True):
    """A chain that ran, with the run id its claim will carry."""

    order: Order
    run_id: UUID
    answer: Answer


class Pure:
    """One warm child for all pure tasks. What it dies of is run again in a slot, by itself."""

    def __init__(
        self,
        tools: Tools,
        identity: Identity,
        *,
        run_in_slot: Callable[[Order], None],
        finished: Callable[[], None],
    ) -> None:
        self._tools = tools
        self._identity = identity
        self._run_in_slot = run_in_slot
        self._finished = finished
        self._waiting: deque[tuple[Order, Work]] = deque()
        self._wake = asyncio.Event()
        self._child: Child | None = None
        self._reporting: set[Task[None]] = set()
        self._unsettled: set[Order] = set()
        self._settled = asyncio.Event()

    @property
    def room(self) -> int:
        return MAX_LOAD - len(self._unsettled) if self._child is not None else 0

    @property
    def unsettled(self) -> set[Order]:
        """Orders that wait, run or are reported."""
        return self._unsettled

    def put(self, order: Order, work: Work) -> None:
        self._unsettled.add(order)
        self._settled.clear()
        self._waiting.append((order, work))
        self._wake.set()

    async def run(self) -> None:
        """Run what comes for as long as the service runs."""
        folder = self._tools.settings.scratch / "pure"
        try:
            while True:
                if self._child is None:
                    self._child = await warm(self._tools.settings, folder, pure=True)
                    self._tools.slots.learn(self._child.processors)
                    self._finished()
                await self._wake.wait()
                await self._batch(self._child)
        finally:
            if self._child is not None:
                await self._child.close()

    async def settle(self) -> None:
        """Wait until nothing is left to run or to report."""
        if self._unsettled:
            await self._settled.wait()

    async def _batch(self, child: Child) -> None:
        taken = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        if not taken:
            self._wake.clear()
            return
        batch_id = uuid7()
        chains = [Chain(steps=work.steps, value=work.given.value) for _, work in taken]
        await child.send(Batch(chains, str(self._tools.scratch.run(batch_id))))
        orders = deque(order for order, _ in taken)
        worn = await self._answers(child, batch_id, orders)
        if orders or worn:
            self._child = None
            await child.close()
        for order in orders:
            self._settle(order)
            self._run_in_slot(order)

    async def _answers(self, child: Child, batch_id: UUID, orders: deque[Order]) -> bool:
        """Report what comes back; answers whether the child has grown too large."""
        clock = asyncio.get_running_loop().time
        reports: list[Task[None]] = []
        rss = 0
        try:
            async with asyncio.timeout(SILENCE_S) as silence:
                while orders and isinstance(word := await child.hear(), Answers):
                    silence.reschedule(clock() + SILENCE_S)
                    if ran := [Ran(orders.popleft(), uuid7(), each) for each in word.items]:
                        reports.append(self._spawn(self._report(ran)))
                    rss = word.rss
        except TimeoutError:
            log.warning("pure.silent", waiting=len(orders))
        if self._tools.scratch.run(batch_id).exists():
            self._spawn(self._clean(batch_id, reports))
        return rss > self._tools.settings.child_rss_mb * MEGABYTE

    def _spawn(self, work: Coroutine[Any, Any, None]) -> Task[None]:
        task = asyncio.create_task(work)
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)
        return task

    async def _clean(self, batch_id: UUID, reports: list[Task[None]]) -> None:
        if reports:
            await asyncio.wait(reports)
        await self._tools.scratch.remove(batch_id)

    def _settle(self, order: Order) -> None:
        self._unsettled.discard(order)
        if not self._unsettled:
            self._settled.set()

    async def _report(self, ran: list[Ran]) -> None:
        settings = self._tools.settings
        answers = [
            self._tools.reports.put(
                await self._as_report(each),
                each.order.arrived + settings.lease_s + REPEATED_BEYOND_LEASE_S,
            )
            for each in ran
        ]
        await asyncio.wait(answers)
        done: list[Order] = []
        for each, answer in zip(ran, answers, strict=True):
            if isinstance(answer.exception(), Unanswered):
                log.warning("attempt.unreported", job_id=str(each.order.task.job_id))
            elif answer.result() is not ReportOutcome.SUPERSEDED:
                ENDED.labels(type(each.answer.ending).__name__.lower()).inc()
                done.append(each.order)
        await _ack(done)
        for each in ran:
            self._settle(each.order)
        self._finished()

    async def _as_report(self, ran: Ran) -> ReportTask:
        outputs: list[StepOutput] = []
        ending: Ending = ran.answer.ending
        for done in ran.answer.outputs:
            try:
                outputs.append(await self._kept(ran, done))
            except (TidemillError, OSError) as error:
                ending = fault(error)
                break
        task = ran.order.task
        return ReportTask(
            task_id=task.task_id,
            job_id=task.job_id,
            attempt=0,
            run_id=ran.run_id,
            ordinal=1,
            outputs=outputs,
            ending=ending,
            claim=ran.order.claim(ran.run_id, self._identity),
        )

    async def _kept(self, ran: Ran, done: StepDone) -> StepOutput:
        if done.value_file is None:
            if done.value is UNSET:
                return StepOutput(step=done.step, payload=Payload())
            return StepOutput(step=done.step, payload=Payload(value=done.value), media_type=JSON)
        task = ran.order.task
        prefix = f"{task.tenant_id}/{task.job_id}/0-{ran.run_id}/{done.step}"
        return await self._tools.transfer.keep(done, prefix, None)


async def _ack(orders: list[Order]) -> None:
    """Ack all, and wait for the last: the server reads them in the order they were sent."""
    for order in orders[:-1]:
        await order.message.ack()
    if orders:
        await orders[-1].ack()
