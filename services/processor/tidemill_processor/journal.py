"""What an attempt says, on its way: shown at once, and kept beyond the job."""

import asyncio
import time
from asyncio import Task, TimerHandle

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from tidemill_contracts.lines import KeepLines, LineStream
from tidemill_contracts.work import Held, RunTask, WorkStep
from tidemill_processor.transcript import Transcript
from tidemill_processor.trips import Trips, Unanswered

log = structlog.get_logger()

SHOW_S = 0.25
KEEP_S = 2.0
KEEP_BYTES = 64 * 1024
LAST_WORDS_S = 3.0
PATIENCE_S = 300.0


class Journal:
    """Lines of one attempt; one that says nothing costs nothing.

    They are shown every 0.25 s and kept with the first of these, then every 2 s or 64 KiB, so that
    they can be read while the attempt runs and after its worker is gone.
    """

    def __init__(
        self,
        client: Client,
        trips: Trips[bool],
        task: RunTask,
        held: Held,
        steps: list[WorkStep],
    ) -> None:
        self._client = client
        self._trips = trips
        self._subject = f"tm.log.{task.tenant_id.hex}.{task.job_id.hex}"
        self._held = held
        self._transcript = Transcript(held.attempt, [step.name for step in steps])
        self._timer: TimerHandle | None = None
        self._showing: Task[None] | None = None
        self._keeping: Task[None] | None = None
        self._keep_timer: TimerHandle | None = None
        self._ordinal = 0

    def hear(self, stream: LineStream, chunk: bytes) -> None:
        self._transcript.hear(stream, chunk)
        self._arm()

    async def finish(self) -> None:
        """Have the rest shown and kept; what cannot be kept in 3 s is kept behind the caller."""
        if self._showing is not None:
            await asyncio.wait([self._showing])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transcript.end()
        while self._transcript.waiting:
            await self._show()
            await asyncio.sleep(0)
        self._transcript.close()
        self._keep()
        if self._keeping is not None:
            await asyncio.wait([self._keeping], timeout=LAST_WORDS_S)

    def _arm(self) -> None:
        if self._timer is None and self._showing is None and self._transcript.waiting:
            self._timer = asyncio.get_running_loop().call_later(SHOW_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._showing = asyncio.create_task(self._show())
        self._showing.add_done_callback(self._shown)

    def _shown(self, _: Task[None]) -> None:
        self._showing = None
        self._arm()
        if self._ordinal == 0 or self._transcript.kept_bytes >= KEEP_BYTES:
            self._keep()
        elif self._keep_timer is None:
            self._keep_timer = asyncio.get_running_loop().call_later(KEEP_S, self._keep)

    async def _show(self) -> None:
        self._transcript.take()
        if (shown := self._transcript.shown()) is not None:
            try:
                await self._client.publish(self._subject, shown)
            except NatsError as error:
                log.info("lines.unshown", reason=type(error).__name__)

    def _keep(self) -> None:
        if self._keep_timer is not None:
            self._keep_timer.cancel()
            self._keep_timer = None
        if self._keeping is None and self._transcript.kept_bytes:
            self._keeping = asyncio.create_task(self._keep_all())
            self._keeping.add_done_callback(self._kept)

    def _kept(self, _: Task[None]) -> None:
        self._keeping = None

    async def _keep_all(self) -> None:
        """One question at a time, so that their order is theirs also where one is repeated."""
        while lines := self._transcript.segment():
            self._ordinal += 1
            said = KeepLines(
                task_id=self._held.task_id,
                job_id=self._held.job_id,
                attempt=self._held.attempt,
                run_id=self._held.run_id,
                ordinal=self._ordinal,
                lines=lines,
            )
            try:
                await self._trips.ask(said, time.monotonic() + PATIENCE_S)
            except Unanswered:
                log.warning("lines.unkept", job_id=str(self._held.job_id), lines=len(lines))
