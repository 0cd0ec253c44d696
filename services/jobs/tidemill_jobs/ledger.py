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
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from tidemill_jobs import dispatch, idempotency, rows
from tidemill_jobs.commands import Book, Command, Report, Revisit, Submit
from tidemill_jobs.dispatch import Lane, Window
from tidemill_jobs.fleet import Fleet
from tidemill_jobs.records import Facts, TaskStatus
from tidemill_kit.errors import TidemillError, Unavailable
from tidemill_kit.streams import Entry

log = structlog.get_logger()
MAX_GROUP = 512
OLDEST_S = 0.5
_RERUN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
)
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    OSError,
    TimeoutError,
)
_TRIES = 5


class LedgerBusy(Unavailable):
    """Too much is being submitted at the moment."""


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
        self._window = Window()
        self._lanes: set[Lane] = set()
        self._clock = Clock()
        self._connection: asyncpg.Connection | None = None
        self.due: datetime | None = None
        self.due_changed = asyncio.Event()

    async def ask(self, kind: Callable[..., Command], **asked: Any) -> Any:
        """Queue a command and wait until its group is committed."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        command = kind(answer=future, **asked)
        if command.urgent:
            self._urgent.append(command)
        else:
            if self._waiting and time.monotonic() - self._waiting[0][0] > OLDEST_S:
                raise LedgerBusy
            self._waiting.append((time.monotonic(), command))
        self._wake.set()
        return await future

    def top_up(self) -> None:
        """Look for queued tasks again: slots, workers or the broker may have come back."""
        self._lanes = {(queue, pure) for queue in self._fleet.slots for pure in (True, False)}
        self._wake.set()

    async def run(self) -> None:
        """Commit groups until cancelled; without PostgreSQL commands are refused as unavailable."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while group := self._next_group():
                    await self._settle(group, again=False)
                if self._lanes:
                    await self._settle([], again=False)
        finally:
            if self._connection is not None:
                self._connection.terminate()

    def _next_group(self) -> list[Command]:
        group: list[Command] = []
        while self._urgent and len(group) < MAX_GROUP:
            group.append(self._urgent.popleft())
        while self._waiting and len(group) < MAX_GROUP:
            group.append(self._waiting.popleft()[1])
        return [command for command in group if not command.answer.done()]

    async def _settle(self, group: Sequence[Command], *, again: bool, tries: int = 1) -> None:
        """Decide and write a group; on bad data halve it down to the culprit."""
        try:
            await self._commit(group, again=again)
        except asyncpg.DataError as error:
            await self._halve(group, error)
        except _RERUN as error:
            log.info("ledger.again", reason=type(error).__name__, commands=len(group))
            await self._retry(group, tries, error)
        except _LOST as error:
            log.warning("ledger.connection_lost", reason=str(error)[:200])
            self._drop_connection()
            await self._retry(group, tries, error)
        except Exception as error:
            log.exception("ledger.failed", commands=len(group))
            self._drop_connection()
            _fail(group, error)

    async def _retry(self, group: Sequence[Command], tries: int, error: Exception) -> None:
        if tries >= _TRIES:
            _fail(group, LedgerAway(type(error).__name__))
            return
        await asyncio.sleep(random.random() * 0.05 * 2**tries)  # noqa: S311 - only spreads retries
        await self._settle(group, again=True, tries=tries + 1)

    async def _halve(self, group: Sequence[Command], error: Exception) -> None:
        if len(group) > 1:
            middle = len(group) // 2
            await self._settle(group[:middle], again=True)
            await self._settle(group[middle:], again=True)
        elif group and isinstance(group[0], Report):
            await self._settle([group[0].refuse_data()], again=True)
        else:
            log.info("ledger.refused_data", reason=str(error)[:200])
            for command in group:
                with suppress(asyncio.InvalidStateError):
                    _refuse_data(command)

    async def _commit(self, group: Sequence[Command], *, again: bool) -> None:
        connection = await self._connected()
        decided: list[tuple[Command, Any]] = []
        async with connection.transaction():
            book = await self._load(connection, group, again=again)
            for command in group:
                try:
                    decided.append((command, command.decide(book)))
                except TidemillError as error:
                    decided.append((command, error))
            await self._write(connection, book)
            orders = await self._dispatch(connection, book)
        self._after_commit(book, orders)
        for command, outcome in decided:
            _answer(command, outcome)

    async def _load(
        self,
        connection: asyncpg.Connection,
        group: Sequence[Command],
        *,
        again: bool,
    ) -> Book:
        datasets = sorted({d for command in group for d in command.dataset_ids})
        copies = await rows.share_datasets(connection, datasets) if datasets else {}
        fresh = not again
        ids = {j for c in group if not (fresh and isinstance(c, Submit)) for j in c.job_ids}
        jobs = await rows.lock_jobs(connection, sorted(ids)) if ids else {}
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
                paused=self._fleet.paused,
                datasets=copies,
            ),
            jobs=jobs,
            keys=await idempotency.find(connection, keys) if keys else {},
        )

    async def _write(self, connection: asyncpg.Connection, book: Book) -> None:
        added = {job.id for job in book.added}
        changed = [book.jobs[i] for i in sorted(book.touched - added) if i in book.jobs]
        if book.new_keys:
            await idempotency.keep(connection, book.new_keys)
        if book.added:
            await rows.insert_jobs(connection, book.added)
        if changed:
            await rows.update_jobs(connection, changed)
        both = [*book.added, *changed]
        if events := [event for job in both for event in job.events]:
            await rows.add_events(connection, events)
        if attempts := [attempt for job in both for attempt in job.attempts]:
            await rows.put_attempts(connection, attempts)

    async def _dispatch(self, connection: asyncpg.Connection, book: Book) -> list[Entry]:
        """Top up the queues that this group touched, within their windows."""
        at = time.monotonic()
        for task in book.finished:
            self._window.finished(task, at)
        self._window.slots = self._fleet.slots
        touched = [task for job in book.jobs.values() for task in job.tasks]
        lanes = self._lanes | {
            (task.queue, task.pure)
            for task in touched
            if task.status is TaskStatus.QUEUED or task.status.is_over
        }
        self._lanes = set()
        sizes = self._window.sizes(lanes, at)
        if not sizes:
            return []
        picked = await dispatch.pick(connection, sizes)
        others = sorted({job_id for job_id, _ in picked} - book.jobs.keys())
        jobs = book.jobs | (await rows.lock_jobs(connection, others) if others else {})
        orders: list[Entry] = []
        for job_id, task_id in picked:
            task = jobs[job_id].task(task_id)
            if task is not None:
                orders.append(dispatch.order(jobs[job_id], task, book.facts.now))
        if picked:
            await rows.update_tasks(connection, [jobs[j] for j in dict(picked)])
        return orders

    def _after_commit(self, book: Book, orders: list[Entry]) -> None:
        due = rows.earliest(book.jobs.values())
        if due is not None and (self.due is None or due < self.due):
            self.due = due
            self.due_changed.set()
        ended = [job.id for job in book.jobs.values() if job.status.is_final]
        self._committed(orders, ended)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        made = await asyncpg.connect(
            self._url,
            timeout=3,
            command_timeout=10,
            server_settings={
                "search_path": "jobs",
                "application_name": "tidemill-jobs-ledger",
                "lock_timeout": "1000",
                "statement_timeout": "3000",
            },
        )
        await rows.prepare(made)
        self._connection = made
        return made

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class Clock:
    """PostgreSQL's clock, asked once a second: leases and deadlines know no other."""

    def __init__(self) -> None:
        self._read = float("-inf")
        self._moment = datetime.min.replace(tzinfo=UTC)

    async def now(self, connection: asyncpg.Connection) -> datetime:
        passed = time.monotonic() - self._read
        if passed > 1.0:
            self._moment = datetime.fromisoformat(str(await connection.fetchval(_CLOCK)))
            self._read, passed = time.monotonic(), 0.0
        moment = self._moment + timedelta(seconds=passed)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


_CLOCK = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.USZ')"


def _answer(command: Command, outcome: Any) -> None:
    if command.answer.done():
        return
    if isinstance(outcome, BaseException):
        command.answer.set_exception(outcome)
    else:
        command.answer.set_result(outcome)


def _refuse_data(command: Command) -> None:
    try:
        command.refuse_data()
    except TidemillError as error:
        _answer(command, error)


def _fail(group: Sequence[Command], error: Exception) -> None:
    for command in group:
        _answer(command, error)
