"""One attempt, from the granted claim to the ack."""

import asyncio
import time
from asyncio import Task, TimerHandle
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from uuid import UUID

import structlog
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace
from nats.aio.client import Client

from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError
from tidemill_contracts.processors import Returns
from tidemill_contracts.work import (
    CancelTask,
    ClaimAnswer,
    Ending,
    Failed,
    Held,
    Released,
    ReportOutcome,
    StepOutput,
    Stopped,
    Succeeded,
    Work,
)
from tidemill_kit.errors import TidemillError
from tidemill_processor.journal import Journal
from tidemill_processor.metrics import ENDED
from tidemill_processor.order import Order
from tidemill_processor.scratch import Scratch
from tidemill_processor.settings import Settings
from tidemill_processor.slots import Slot, Slots
from tidemill_processor.telling import Overtaken, Superseded, Telling
from tidemill_processor.transfer import Transfer, fault
from tidemill_processor.trips import Trips, Unanswered
from tidemill_processor.wire import (
    Begin,
    Checkpointed,
    Ended,
    Given,
    OnCluster,
    Progressed,
    StepDone,
    Word,
)

log = structlog.get_logger()

CANCEL_GRACE_S = 10.0
LINKS_LAST_LONGER_S = 600.0
# a cold slot's first child takes seconds where the machine is busy
WAIT_FOR_SLOT_S = 15.0


class Tools(Struct, frozen=True):
    """What every attempt works with."""

    settings: Settings
    client: Client
    slots: Slots
    scratch: Scratch
    transfer: Transfer
    reports: Trips[ReportOutcome]
    lines: Trips[bool]


class Attempt:
    """Runs in the next idle slot; `left_slot` is called when its child is done with it."""

    def __init__(
        self,
        tools: Tools,
        order: Order,
        run_id: UUID,
        answer: ClaimAnswer,
        left_slot: Callable[[Order, float], None],
    ) -> None:
        assert answer.work is not None  # noqa: S101 - a granted claim carries its work
        self.order = order
        task = order.task
        self.held = Held(
            task_id=task.task_id, job_id=task.job_id, attempt=answer.attempt, run_id=run_id
        )
        self._tools = tools
        self._work: Work = answer.work
        self._telling = Telling(
            tools.client, tools.reports, task, self.held, tools.settings.lease_s
        )
        self._journal = Journal(tools.client, tools.lines, task, self.held, answer.work.steps)
        self._log = log.bind(
            job_id=str(task.job_id), tenant_id=str(task.tenant_id), attempt=answer.attempt
        )
        self._left_slot = left_slot
        self._slot: Slot | None = None
        self._words: asyncio.Queue[StepDone | Checkpointed | None] = asyncio.Queue()
        self._last: list[StepOutput] = []
        self._steps_done = 0
        self._begun = False
        self._forced: Ending | None = None
        self._doing: Task[Ending] | None = None
        self._late: TimerHandle | None = None
        self._moved_at = time.monotonic()

    @property
    def held_now(self) -> Held:
        """What is held, with the seconds since the child was last heard of."""
        heard = self._slot.moved_at if self._slot is not None else 0.0
        return replace(self.held, idle_s=time.monotonic() - max(self._moved_at, heard))

    @property
    def alive_at(self) -> float:
        """When the jobs service last said that the lease is ours."""
        return self._telling.alive_at

    @alive_at.setter
    def alive_at(self, moment: float) -> None:
        self._telling.alive_at = moment

    def is_meant(self, order: CancelTask) -> bool:
        return order.run_id == self.held.run_id and order.attempt == self.held.attempt

    async def run(self) -> None:
        """Run, report, ack; a superseded attempt leaves its order untouched."""
        self._doing = asyncio.create_task(self._do())
        await asyncio.wait([self._doing])
        try:
            ending = self._forced if self._doing.cancelled() else self._doing.result()
            if ending is None:
                return
            await self._telling.report(outputs=self._last, ending=ending)
        except Superseded:
            self._log.info("attempt.superseded")
            return
        except Unanswered:
            self._log.warning("attempt.unreported")
            return
        except Overtaken:
            self._log.info("attempt.overtaken")
        else:
            name = type(ending).__name__.lower()
            ENDED.labels(name).inc()
            self._log.info("attempt.ended", ending=name)
        await self.order.ack()

    def cancel(self, grace_s: float = CANCEL_GRACE_S) -> None:
        """Ask the run to stop; said again it changes nothing."""
        if not self._begun:
            self._stop(Stopped())
            return
        if self._slot is not None:
            self._slot.cancel(grace_s)
        if self._late is None:
            # also a store that takes what was made, or does not, is waited for no longer
            self._late = asyncio.get_running_loop().call_later(
                grace_s + self._tools.settings.kill_s, self._stop, Stopped(killed=True)
            )

    def release(self, reason: str) -> None:
        """Hand the attempt back: what runs is killed, what is kept stays."""
        self._stop(Released(reason=reason))

    def abandon(self) -> None:
        """Another owns the task: kill what runs and say nothing."""
        self._log.info("attempt.abandoned")
        self._stop(None)

    def _stop(self, ending: Ending | None) -> None:
        if self._doing is not None and not self._doing.done():
            self._forced = ending
            self._doing.cancel()

    async def _do(self) -> Ending:
        """Follow the child to its end, and store and report each step meanwhile."""
        held = AsyncExitStack()
        held.push_async_callback(self._tools.scratch.remove, self.held.run_id)
        child = asyncio.create_task(self._in_child(held))
        child.add_done_callback(lambda _: self._words.put_nowait(None))
        try:
            await self._keep()
            ending = await child
        except (TidemillError, OSError) as error:
            return fault(error)
        finally:
            child.cancel()
            await asyncio.wait([child])
            await held.aclose()
            await self._journal.finish()
        # the child may die of something else once all is done
        return Succeeded() if self._last else ending

    async def _in_child(self, held: AsyncExitStack) -> Ending:
        try:
            async with asyncio.timeout(self._work.timeout_s):
                cluster = await self._cluster()
                wanted = self._work.given
                given = await self._tools.transfer.fetch(
                    replace(wanted, frame=None) if cluster else wanted, held
                )
                if (slot := await self._idle_slot()) is None:
                    return Released(reason="no_slot")
                ended = await self._run(slot, given, cluster)
        except TimeoutError:
            return self._failed(FailureKind.TIMEOUT, "timeout", "the attempt took too long")
        ending = ended.ending
        if isinstance(ending, Failed) and ending.error.step is UNSET:
            return self._failed(ending.failure, ending.error.code, ending.error.message)
        return ending

    async def _cluster(self) -> OnCluster | None:
        """What the child needs to have frames worked on by the cluster of this queue."""
        settings = self._tools.settings
        if self.order.queue not in settings.dask_queues_served:
            return None
        known = {info.name: info for info in self._tools.slots.processors}
        giving = (Returns.DATASET, Returns.BOTH)
        steps = [step for step in self._work.steps if known[step.processor].returns in giving]
        return await self._tools.transfer.on_cluster(
            settings.dask_scheduler,
            self._work.given,
            {step.name: self._prefix(step.name) for step in steps},
            self._work.timeout_s + LINKS_LAST_LONGER_S,
        )

    def _prefix(self, step: str) -> str:
        task = self.order.task
        run = f"{self.held.attempt}-{self.held.run_id}"
        return f"{task.tenant_id}/{task.job_id}/{run}/{step}"

    async def _idle_slot(self) -> Slot | None:
        """The slot this was claimed for is idle, or about to be unless it was misjudged."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_FOR_SLOT_S):
                return await self._tools.slots.acquire()
        return None

    async def _run(self, slot: Slot, given: Given, cluster: OnCluster | None) -> Ended:
        begin = Begin(
            steps=self._work.steps,
            given=given,
            attempt=self.held.attempt,
            folder=str(self._tools.scratch.run(self.held.run_id)),
            checkpoint=self._work.checkpoint,
            cluster=cluster,
        )
        began = time.monotonic()
        self._begun = True
        self._moved_at = began
        self._slot = slot
        try:
            return await slot.run(begin, self._journal, self._hear)
        finally:
            self._slot = None
            self._moved_at = time.monotonic()
            self._left_slot(self.order, time.monotonic() - began)

    def _failed(self, kind: FailureKind, code: str, message: str) -> Failed:
        step = self._work.steps[min(self._steps_done, len(self._work.steps) - 1)]
        return Failed(failure=kind, error=JobError(code=code, message=message, step=step.name))

    async def _hear(self, word: Word) -> None:
        match word:
            case Progressed():
                await self._telling.publish(word)
            case StepDone() | Checkpointed():
                self._words.put_nowait(word)
            case _:
                self._log.warning("child.word_unexpected", kind=type(word).__name__)

    async def _keep(self) -> None:
        """Store and report what comes; the last step's output goes with the ending.

        Of checkpoints that come fast the newest is enough; the last one before a crash counts.
        """
        newest: Checkpointed | None = None
        while True:
            if newest is not None and self._words.empty():
                await self._telling.report(checkpoint=Raw(bytes(newest.state)))
                newest = None
            word = await self._words.get()
            if word is None:
                break
            newest = word if isinstance(word, Checkpointed) else None
            if isinstance(word, StepDone):
                await self._keep_step(word)
        if newest is not None:
            await self._telling.report(checkpoint=Raw(bytes(newest.state)))

    async def _keep_step(self, done: StepDone) -> None:
        progress = self._telling.progress(done.progress) if done.progress else None
        output = await self._tools.transfer.keep(done, self._prefix(done.step), progress)
        self._steps_done += 1
        if self._steps_done == len(self._work.steps):
            self._last = [output]
        else:
            await self._telling.report(outputs=[output])
