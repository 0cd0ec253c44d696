"""A replica of the jobs service without its edges: the ledger, its orders, what it wrote."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
import msgspec
from msgspec.structs import replace

from tests.builders import PATIENCE_S
from tests.jobs.builders import BOOT, PROCESSORS, a_draft
from tidemill_contracts.catalogue import decode
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import StepSpec
from tidemill_contracts.work import (
    Announce,
    ClaimAnswer,
    ClaimTask,
    Ending,
    Payload,
    ReportOutcome,
    ReportTask,
    RunTask,
    StepOutput,
    Succeeded,
)
from tidemill_jobs.book import Accepted, IdempotencyKey
from tidemill_jobs.commands import Claim, Command, Report, Submit
from tidemill_jobs.fleet import Fleet
from tidemill_jobs.ledger import Ledger
from tidemill_jobs.records import JobRecord
from tidemill_kit.db import Database
from tidemill_kit.streams import Entry

SLOTS = 1_000


class Office:
    """A ledger that runs, with the orders that it sends out."""

    def __init__(
        self,
        ledger: Ledger,
        fleet: Fleet,
        queue: str,
        orders: asyncio.Queue[RunTask],
    ) -> None:
        self.ledger = ledger
        self.fleet = fleet
        self.queue = queue
        self.orders = orders

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        database: Database,
        queue: str | None = None,
        slots: int = SLOTS,
    ) -> AsyncGenerator[Self]:
        queue = queue or f"q{uuid4().hex[:12]}"
        orders = asyncio.Queue[RunTask]()

        def committed(sent: list[Entry], ended: list[UUID]) -> None:
            del ended
            for entry in sent:
                orders.put_nowait(msgspec.json.decode(entry.body, type=RunTask))

        fleet = Fleet(database, alive_s=3_600)
        infos = [replace(info, queue=queue) for info in PROCESSORS.values()]
        await fleet.announce(
            Announce(worker=f"w-{queue}", boot_id=BOOT, slots=slots, processors=infos)
        )
        ledger = Ledger(url, fleet, lease_s=30, order_s=15, committed=committed)
        running = asyncio.create_task(ledger.run())
        yield cls(ledger, fleet, queue, orders)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def ask(self, kind: type[Command], **asked: Any) -> Any:
        """What the ledger answers; a ledger that keeps silent fails the test."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.ledger.ask(kind, **asked)

    def draft(self, *steps: StepSpec | str, **given: Any) -> JobRecord:
        """A job whose tasks all go to this office's workers."""
        job = a_draft(*steps, created_at=now(), **given)
        job.queue = self.queue
        job.size = 100
        for task in job.tasks:
            task.queue = self.queue
        return job

    async def order(self) -> RunTask:
        """The next order that is sent out."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.orders.get()

    async def submit(self, draft: JobRecord | None = None, **more: Any) -> Accepted:
        made = draft or self.draft()
        asked = {"build": lambda: deepcopy(made), "job_id": made.id, "dataset_id": made.dataset_id}
        return await self.ask(Submit, **asked, **more)

    async def claim(self, order: RunTask, run_id: UUID | None = None) -> ClaimAnswer:
        asked = self.claim_of(order, run_id or uuid4())
        return await self.ask(Claim, asked=asked)

    def claim_of(self, order: RunTask, run_id: UUID) -> ClaimTask:
        return ClaimTask(
            task_id=order.task_id,
            job_id=order.job_id,
            dispatch=order.dispatch,
            run_id=run_id,
            worker=f"w-{self.queue}",
            boot_id=BOOT,
        )

    async def report(
        self,
        order: RunTask,
        run_id: UUID,
        ending: Ending | None = None,
        **said: Any,
    ) -> ReportOutcome:
        said = {"attempt": 1, "ordinal": 1} | said
        report = ReportTask(
            task_id=order.task_id, job_id=order.job_id, run_id=run_id, ending=ending, **said
        )
        return await self.ask(Report, said=report)

    async def run(self, order: RunTask, value: Any = 1) -> ReportOutcome | None:
        """Claim and finish an order; None where the claim is not granted."""
        run_id = uuid4()
        answer = await self.claim(order, run_id)
        if answer.work is None:
            return None
        return await self.finish(order, run_id, answer, value)

    async def finish(
        self,
        order: RunTask,
        run_id: UUID,
        answer: ClaimAnswer,
        value: Any = 1,
    ) -> ReportOutcome:
        """Report every output and the end."""
        outputs = self.outputs_for(answer, value)
        said = {"attempt": answer.attempt, "ordinal": 2, "outputs": outputs}
        return await self.report(order, run_id, Succeeded(), **said)

    def outputs_for(self, answer: ClaimAnswer, value: Any = 1) -> list[StepOutput]:
        """What each step of a granted claim's work gives."""
        steps = answer.work.steps if answer.work else []
        return [
            StepOutput(step=step.name, payload=Payload(value=value), media_type="application/json")
            for step in steps
        ]


async def status_of(owner: asyncpg.Connection, job_id: UUID) -> str:
    return str(await owner.fetchval("select status from jobs where id = $1", job_id))


async def types_of(owner: asyncpg.Connection, job_id: UUID) -> list[str]:
    """The job's events in order, after a look at their numbers."""
    rows = await owner.fetch("select seq, type from events where key = $1 order by seq", job_id)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["type"].removeprefix("job.") for row in rows]


async def event_of(owner: asyncpg.Connection, job_id: UUID, kind: str) -> Any:
    query = "select body from events where key = $1 and type = $2"
    body: Any = await owner.fetchval(query, job_id, f"job.{kind}")
    assert len(body) <= MAX_EVENT_BYTES
    return decode(body)


def a_key(tenant_id: UUID, key: str = "k", body: bytes = b"body") -> IdempotencyKey:
    return IdempotencyKey(tenant_id, "jobs", key, hashlib.sha256(body).digest())
