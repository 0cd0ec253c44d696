"""The ledger: commands queue while a commit is under way, then are decided and written as one.

One transaction on one connection for a whole group. There is no timer: when idle a command
commits at once, under load the group grows. All jobs of a group are locked in the order of their
ids, datasets before jobs, so that replicas wait for each other instead of deadlocking.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from tidemill_jobs import answers, concurrency, deadlines, idempotency, rows
from tidemill_jobs.book import Book
from tidemill_jobs.clock import Clock
from tidemill_jobs.commands import Command, Report, Revisit
from tidemill_jobs.dispatch import Conveyor
from tidemill_jobs.fleet import Fleet
from tidemill_jobs.recent import RecentJobs
from tidemill_jobs.records import Facts, JobRecord
from tidemill_kit.errors import Unavailable, failure_of
from tidemill_kit.streams import Entry

log = structlog.get_logger()
MAX_GROUP = 512
MAX_GROUP_BYTES = 4 * 1024 * 1024
OLDEST_S = 0.5
# while replicas write each other's jobs, memory is not worth a try
DISTRUST_S = 1.0
_RERUN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
)
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    TimeoutError,
)
_TRIES = 5


class LedgerBusy(Unavailable):
    """Too much is being submitted at the moment."""


class LogBehind(Unavailable):
    """Too many events wait to be published."""


class LedgerAway(Unavailable):
    """The database does not answer."""


class Ledger:
    """The one writer of jobs in this process."""

    def __init__(
        self,
        database_url: str,
        fleet: Fleet,
        *,
        lease_s: float,
        order_s: float,
        committed: Callable[[list[Entry], list[UUID]], None],
    ) -> None:
        self._url = database_url
        self._fleet = fleet
        self._lease_s = lease_s
        self._order_s = order_s
        self._committed = committed
        self._urgent: deque[Command] = deque()
        self._waiting: deque[tuple[float, Command]] = deque()
        self._wake = asyncio.Event()
        self._conveyor = Conveyor(fleet)
        self._clock = Clock()
        self._recent = RecentJobs()
        self._distrusted_until = 0.0
        self._connection: asyncpg.Connection | None = None
        self.due: datetime | None = None
        self.behind = False
        self.due_changed = asyncio.Event()

    async def ask(self, kind: Callable[..., Command], **asked: Any) -> Any:
        """Queue a command and wait until its group is committed."""
        return await self.put(kind, **asked)

    def put(self, kind: Callable[..., Command], **asked: Any) -> asyncio.Future[Any]:
        """Queue a command; the future has its answer once its group is committed."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        command = kind(answer=future, **asked)
        if command.urgent:
            self._urgent.append(command)
        else:
            if self.behind:
                raise LogBehind
            if self._waiting and time.monotonic() - self._waiting[0][0] > OLDEST_S:
                raise LedgerBusy
            self._waiting.append((time.monotonic(), command))
        self._wake.set()
        return future

    def top_up(self) -> None:
        """Look for queued tasks again: slots, workers or the broker may have come back."""
        self._conveyor.top_up()
        self._wake.set()

    def wake_at(self, moment: datetime) -> None:
        """Something wants to be looked at then: the sweeper's timer is for the earliest."""
        if self.due is None or moment < self.due:
            self.due = moment
            self.due_changed.set()

    async def run(self) -> None:
        """Commit groups until cancelled; without PostgreSQL commands are refused as unavailable."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while group := self._next_group():
                    await self._settle(group, again=False)
                if self._conveyor.topping_up:
                    await self._settle([], again=False)
        finally:
            if self._connection is not None:
                self._connection.terminate()

    def _next_group(self) -> list[Command]:
        group: list[Command] = []
        size = 0
        while self._urgent and len(group) < MAX_GROUP:
            group.append(self._urgent.popleft())
        while self._waiting and len(group) < MAX_GROUP and size < MAX_GROUP_BYTES:
            group.append(self._waiting.popleft()[1])
            size += group[-1].size
        return [command for command in group if not command.answer.done()]

    async def _settle(self, group: Sequence[Command], *, again: bool, tries: int = 1) -> None:
        """Decide and write a group; on bad data halve it down to the culprit."""
        error = await failure_of(self._commit(group, again=again))
        if error is None:
            return
        self._conveyor.forget()
        match error:
            case rows.Outdated():
                self._distrusted_until = time.monotonic() + DISTRUST_S
                await self._settle(group, again=True, tries=tries)
            case asyncpg.DataError():
                await self._halve(group, error)
            case _ if isinstance(error, _RERUN):
                log.info("ledger.again", reason=type(error).__name__, commands=len(group))
                await self._retry(group, tries, error)
            case _ if isinstance(error, _LOST):
                log.warning("ledger.connection_lost", reason=str(error)[:200])
                self._drop_connection()
                await self._retry(group, tries, error)
            case _:
                log.error("ledger.failed", commands=len(group), exc_info=error)
                self._drop_connection()
                await self._halve(group, error)

    async def _retry(self, group: Sequence[Command], tries: int, error: Exception) -> None:
        if tries >= _TRIES:
            answers.fail(group, LedgerAway(type(error).__name__))
            return
        await asyncio.sleep(random.random() * 0.05 * 2**tries)  # noqa: S311 - only spreads retries
        await self._settle(group, again=True, tries=tries + 1)

    async def _halve(self, group: Sequence[Command], error: Exception) -> None:
        if len(group) > 1:
            middle = len(group) // 2
            await self._settle(group[:middle], again=True)
            await self._settle(group[middle:], again=True)
        elif not isinstance(error, asyncpg.DataError):
            answers.fail(group, error)
        elif group and isinstance(group[0], Report):
            await self._settle([group[0].refuse_data()], again=True)
        else:
            log.info("ledger.refused_data", reason=str(error)[:200])
            for command in group:
                answers.refuse_data(command)

    async def _commit(self, group: Sequence[Command], *, again: bool) -> None:
        connection = await self._connected()
        remembered = None if again else self._remembered(group)
        async with AsyncExitStack() as stack:
            # what rests on memory alone is one statement, which is a transaction by itself
            if remembered is None:
                await stack.enter_async_context(connection.transaction())
            book = await self._load(connection, group, remembered, again=again)
            await concurrency.lock(connection, book, group)
            was_out = _out(book)
            decided = [(command, answers.decide(command, book)) for command in group]
            await concurrency.hand_over(connection, book, self._recent)
            orders = self._conveyor.start(book)
            await self._conveyor.line_up(connection, book)
            windows = self._conveyor.windows(book)
            if windows and remembered is not None:
                await stack.enter_async_context(connection.transaction())
            written_by = {job_id: xmin for job_id, (xmin, _) in (remembered or {}).items()}
            transaction = await rows.write(connection, rows.changes(book), written_by)
            found = await self._conveyor.pick(connection, book, windows, self._recent)
            picked, recounted = found
        self._recent.keep(transaction, book.changed())
        self._conveyor.note(book, was_out, recounted)
        self._after_commit(book, [*orders, *picked])
        for command, outcome in decided:
            answers.answer(command, outcome)

    def _remembered(self, group: Sequence[Command]) -> dict[UUID, tuple[int, JobRecord]] | None:
        """The jobs that a group asks for, where its decisions rest on nothing else."""
        if not group or any(command.reads for command in group):
            return None
        asked = {job_id for command in group for job_id in command.known_ids}
        if asked and time.monotonic() < self._distrusted_until:
            return None
        return self._recent.take_all(asked)

    async def _load(
        self,
        connection: asyncpg.Connection,
        group: Sequence[Command],
        remembered: dict[UUID, tuple[int, JobRecord]] | None,
        *,
        again: bool,
    ) -> Book:
        datasets = sorted({d for command in group for d in command.dataset_ids})
        copies = await rows.share_datasets(connection, datasets) if datasets else {}
        if remembered is not None:
            jobs = {job_id: job for job_id, (_, job) in remembered.items()}
        else:
            ids = {j for c in group for j in (c.job_ids if again else c.known_ids)}
            jobs = await rows.lock_jobs(connection, sorted(ids), self._recent) if ids else {}
        missing = {job.dataset_id for job in jobs.values() if job.dataset_id} - copies.keys()
        if missing and any(isinstance(command, Revisit) for command in group):
            copies |= await rows.share_datasets(connection, sorted(filter(None, missing)))
        keys = [key for command in group for key in command.keys]
        return Book(
            facts=Facts(
                now=await self._clock.now(connection),
                jitter=random.random(),  # noqa: S311 - spreads retries, keeps no secret
                lease_s=self._lease_s,
                order_s=self._order_s,
                boots=self._fleet.boots,
                processors=self._fleet.live_processors,
                queues=frozenset(self._fleet.slots),
                paused=self._fleet.paused,
                held=self._fleet.held,
                datasets=copies,
            ),
            jobs=jobs,
            keys=await idempotency.find(connection, keys) if keys else {},
        )

    def _after_commit(self, book: Book, orders: list[Entry]) -> None:
        due = deadlines.earliest(book.jobs.values())
        if due is not None:
            self.wake_at(due)
        ended = [job.id for job in book.jobs.values() if job.status.is_final]
        self._committed(orders, ended)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self._connection = await rows.connect(self._url)
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _out(book: Book) -> dict[UUID, bool]:
    return {task.id: task.status.is_out for job in book.jobs.values() for task in job.tasks}
