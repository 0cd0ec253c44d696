"""What is told of an attempt: numbered reports to the jobs service, progress to whoever looks."""

import time
from typing import Any

import msgspec
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from tidemill_contracts.ids import now
from tidemill_contracts.jobs import Progress
from tidemill_contracts.work import Ending, Held, ReportOutcome, ReportTask, RunTask, StepOutput
from tidemill_processor.trips import Trips
from tidemill_processor.wire import Progressed

log = structlog.get_logger()

REPEATED_BEYOND_LEASE_S = 300.0


class Superseded(Exception):
    """Somebody else owns the task: touch nothing any more."""


class Overtaken(Exception):
    """The task has ended without this attempt."""


class Telling:
    """Reports carry ordinals from 1; one without an answer is repeated unchanged."""

    def __init__(
        self,
        client: Client,
        reports: Trips[ReportOutcome],
        task: RunTask,
        held: Held,
        lease_s: float,
    ) -> None:
        self.alive_at = time.monotonic()
        self._client = client
        self._reports = reports
        self._task = task
        self._held = held
        self._patience_s = lease_s + REPEATED_BEYOND_LEASE_S
        self._ordinal = 0

    async def report(
        self,
        *,
        outputs: list[StepOutput] | None = None,
        ending: Ending | None = None,
        checkpoint: Any = None,
    ) -> None:
        """Have this written. Raises Superseded or Overtaken where it may not be any more."""
        self._ordinal += 1
        report = ReportTask(
            task_id=self._held.task_id,
            job_id=self._held.job_id,
            attempt=self._held.attempt,
            run_id=self._held.run_id,
            ordinal=self._ordinal,
            outputs=outputs or [],
            ending=ending,
            checkpoint=checkpoint,
        )
        outcome = await self._reports.ask(report, self.alive_at + self._patience_s)
        if outcome is ReportOutcome.SUPERSEDED:
            raise Superseded
        if outcome is ReportOutcome.TERMINAL:
            raise Overtaken

    async def publish(self, word: Progressed) -> None:
        """Show progress; what is lost is made good by the next."""
        subject = f"tm.progress.{self._task.tenant_id.hex}.{self._task.job_id.hex}"
        try:
            await self._client.publish(subject, msgspec.json.encode(self.progress(word)))
        except NatsError as error:
            log.info("progress.lost", reason=type(error).__name__)

    def progress(self, word: Progressed) -> Progress:
        return Progress(
            job_id=self._held.job_id,
            step=word.step,
            attempt=self._held.attempt,
            done=word.done,
            total=word.total,
            unit=word.unit,
            at=now(),
        )
