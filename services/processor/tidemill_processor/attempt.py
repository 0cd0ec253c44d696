"""One attempt, from the granted claim to the ack."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import UNSET, Raw, Struct
from nats.aio.client import Client
from nats.errors import Error as NatsError

from tidemill_contracts.ids import now
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, Progress
from tidemill_contracts.work import (
    CancelTask,
    ClaimAnswer,
    Ending,
    Failed,
    Held,
    Released,
    ReportOutcome,
    ReportTask,
    StepOutput,
    Stopped,
    Succeeded,
    Work,
)
from tidemill_kit.errors import TidemillError
from tidemill_processor.order import Order
from tidemill_processor.scratch import Scratch
from tidemill_processor.settings import Settings
from tidemill_processor.slots import Slot, Slots
from tidemill_processor.transfer import Transfer, fault
from tidemill_processor.trips import Trips, Unanswered
from tidemill_processor.wire import Begin, Checkpointed, Progressed, StepDone, Word

log = structlog.get_logger()

REPEATED_BEYOND_LEASE_S = 300.0
CANCEL_GRACE_S = 10.0


class Superseded(Exception):
    """Somebody else owns the task: touch nothing any more."""


class Ended(Exception):
    """The task has ended without this attempt."""


class Tools(Struct, frozen=True):
    """What every attempt works with."""

    settings: Settings
    client: Client
    slots: Slots
    scratch: Scratch
    transfer: Transfer
    reports: Trips[ReportOutcome]


class Attempt:
    """Runs in a slot that was reserved for it, and gives it back."""

    def __init__(
        self, tools: Tools, slot: Slot, order: Order, run_id: UUID, answer: ClaimAnswer
    ) -> None:
        assert answer.work is not None  # noqa: S101 - a granted claim carries its work
        self.order = order
        self.alive_at = time.monotonic()
        self.begun_at = self.alive_at
        self.run_id = run_id
        self._tools = tools
        self._slot = slot
        self._number = answer.attempt
        self._work: Work = answer.work
        self._task = order.task
        self._words: asyncio.Queue[StepDone | Checkpointed | None] = asyncio.Queue()
        self._progress: Progress | None = None
        self._last: list[StepOutput] = []
        self._ordinal = 0
        self._steps_done = 0
        self._running = False
        self._forced: Ending | None = None
        self._doing: asyncio.Task[Ending] | None = None

    @property
    def held(self) -> Held:
        task = self._task
        return Held(
            task_id=task.task_id, job_id=task.job_id, attempt=self._number, run_id=self.run_id
        )

    def is_meant(self, order: CancelTask) -> bool:
        return order.run_id == self.run_id and order.attempt == self._number

    async def run(self) -> None:
        """Run, report, ack; a superseded attempt leaves its order untouched."""
        self._doing = asyncio.create_task(self._do())
        await asyncio.wait([self._doing])
        try:
            ending = self._forced if self._doing.cancelled() else self._doing.result()
            if ending is None:
                return
            await self._tell(outputs=self._last, ending=ending)
        except Superseded:
            log.info("attempt.superseded", **self._names())
            return
        except Unanswered:
            log.warning("attempt.unreported", **self._names())
            return
        except Ended:
            log.info("attempt.overtaken", **self._names())
        else:
            log.info("attempt.ended", kind=type(ending).__name__, **self._names())
        await self.order.ack()

    def cancel(self, grace_s: float = CANCEL_GRACE_S) -> None:
        """Ask the run to stop; said again it changes nothing."""
        if self._running:
            self._slot.cancel(grace_s)
        elif self._steps_done == 0:
            self._stop(Stopped())

    def release(self, reason: str) -> None:
        """Hand the attempt back: what runs is killed, what is kept stays."""
        self._stop(Released(reason=reason))

    def abandon(self) -> None:
        """Another owns the task: kill what runs and say nothing."""
        self._stop(None)

    def _stop(self, ending: Ending | None) -> None:
        if self._doing is not None and not self._doing.done():
            self._forced = ending
            self._doing.cancel()

    async def _do(self) -> Ending:
        held = AsyncExitStack()
        held.push_async_callback(self._tools.scratch.remove, self.run_id)
        begin: Begin | None = None
        try:
            async with asyncio.timeout(self._work.timeout_s):
                begin = await self._prepare(held)
            return await self._follow(begin)
        except TimeoutError:
            return self._failed(FailureKind.TIMEOUT, "timeout", "fetching its input took too long")
        except (TidemillError, OSError) as error:
            return fault(error)
        finally:
            if begin is None:
                self._tools.slots.release(self._slot)
            await held.aclose()

    async def _prepare(self, held: AsyncExitStack) -> Begin:
        given = await self._tools.transfer.fetch(self._work.given, held)
        folder = self._tools.scratch.run(self.run_id)
        folder.mkdir()
        return Begin(
            steps=self._work.steps,
            given=given,
            attempt=self._number,
            folder=str(folder),
            checkpoint=self._work.checkpoint,
        )

    async def _follow(self, begin: Begin) -> Ending:
        """Follow the child to its end, and store and report each step meanwhile."""
        child = asyncio.create_task(self._in_child(begin))
        child.add_done_callback(lambda _: self._child_ended())
        self._running = True
        try:
            await self._keep()
            ending = await child
        finally:
            child.cancel()
            await asyncio.wait([child])
        # the child may die of something else once all is done
        return Succeeded() if self._last else ending

    async def _in_child(self, begin: Begin) -> Ending:
        left = self.begun_at + self._work.timeout_s - time.monotonic()
        try:
            async with asyncio.timeout(left):
                ended = await self._slot.run(begin, self._task.job_id, self._hear)
        except TimeoutError:
            return self._failed(FailureKind.TIMEOUT, "timeout", "the attempt took too long")
        ending = ended.ending
        if isinstance(ending, Failed) and ending.error.step is UNSET:
            return self._failed(ending.failure, ending.error.code, ending.error.message)
        return ending

    def _child_ended(self) -> None:
        self._running = False
        self._words.put_nowait(None)

    def _failed(self, kind: FailureKind, code: str, message: str) -> Failed:
        step = self._work.steps[min(self._steps_done, len(self._work.steps) - 1)]
        return Failed(failure=kind, error=JobError(code=code, message=message, step=step.name))

    async def _hear(self, word: Word) -> None:
        match word:
            case Progressed():
                await self._publish(word)
            case StepDone() | Checkpointed():
                self._words.put_nowait(word)
            case _:
                log.warning("child.word_unexpected", kind=type(word).__name__, **self._names())

    async def _keep(self) -> None:
        while (word := await self._words.get()) is not None:
            if isinstance(word, Checkpointed):
                if self._words.empty():
                    await self._tell(checkpoint=Raw(bytes(word.state)))
                continue
            progress = self._as_progress(word.progress) if word.progress else None
            output = await self._tools.transfer.keep(word, self._prefix(word.step), progress)
            self._steps_done += 1
            if self._steps_done == len(self._work.steps):
                self._last = [output]
            else:
                await self._tell(outputs=[output])

    def _prefix(self, step: str) -> str:
        task = self._task
        return f"{task.tenant_id}/{task.job_id}/{self._number}-{self.run_id}/{step}"

    async def _tell(
        self,
        *,
        outputs: list[StepOutput] | None = None,
        ending: Ending | None = None,
        checkpoint: Any = None,
    ) -> None:
        self._ordinal += 1
        report = ReportTask(
            task_id=self._task.task_id,
            job_id=self._task.job_id,
            attempt=self._number,
            run_id=self.run_id,
            ordinal=self._ordinal,
            outputs=outputs or [],
            ending=ending,
            checkpoint=checkpoint,
        )
        until = self.alive_at + self._tools.settings.lease_s + REPEATED_BEYOND_LEASE_S
        outcome = await self._tools.reports.ask(report, until)
        if outcome is ReportOutcome.SUPERSEDED:
            raise Superseded
        if outcome is ReportOutcome.TERMINAL:
            raise Ended

    async def _publish(self, word: Progressed) -> None:
        self._progress = self._as_progress(word)
        subject = f"tm.progress.{self._task.tenant_id.hex}.{self._task.job_id.hex}"
        try:
            await self._tools.client.publish(subject, msgspec.json.encode(self._progress))
        except NatsError as error:
            log.info("progress.lost", reason=type(error).__name__, **self._names())

    def _as_progress(self, word: Progressed) -> Progress:
        return Progress(
            job_id=self._task.job_id,
            step=word.step,
            attempt=self._number,
            done=word.done,
            total=word.total,
            unit=word.unit,
            at=now(),
        )

    def _names(self) -> dict[str, Any]:
        return {
            "job_id": str(self._task.job_id),
            "tenant_id": str(self._task.tenant_id),
            "attempt": self._number,
        }
