"""The sweeper makes PostgreSQL true again: due timers at once, everything else every 15 s."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import TextClause, text

from tidemill_contracts.work import CancelTask
from tidemill_jobs.commands import Revisit
from tidemill_jobs.fleet import Fleet
from tidemill_jobs.ledger import Ledger
from tidemill_kit.db import Database
from tidemill_kit.errors import failure_of
from tidemill_kit.idempotency import FORGET

log = structlog.get_logger()
AT_ONCE = 200


class Sweeper:
    """Finds jobs whose row may not be true any more and has the ledger look at them."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        fleet: Fleet,
        tell: Callable[[list[CancelTask]], Awaitable[None]],
        *,
        fire: Callable[[], Awaitable[None]],
        sweep_s: float,
        order_s: float,
    ) -> None:
        self._fire = fire
        self._database = database
        self._ledger = ledger
        self._fleet = fleet
        self._tell = tell
        self._sweep_s = sweep_s
        self._order_s = order_s
        self._waking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that fails is only late."""
        while True:
            if error := await failure_of(self._round()):
                log.warning("sweeper.delayed", reason=str(error)[:200], exc_info=error)
                await asyncio.sleep(1.0)

    async def revisit(self, found: list[UUID], *, order_s: float | None = None) -> None:
        """Have the ledger look at these jobs, in chunks of one short transaction each."""
        for start in range(0, len(found), AT_ONCE):
            chunk = sorted(found[start : start + AT_ONCE])
            told = await self._ledger.ask(Revisit, ids=chunk, order_s=order_s)
            await self._tell(told)

    async def new_boot(self, worker: str) -> None:
        """A worker started again: its older leases are over, its queues' orders go out anew."""
        lost = await self._ids(OF_WORKER, worker=worker)
        await self.revisit(lost, order_s=1.0)
        await self.capacity_changed()

    async def broker_changed(self) -> None:
        """What was on its way to workers may be gone: it goes out anew, older orders are void."""
        await self.revisit(await self._ids(_ON_THE_CONVEYOR), order_s=0.0)
        self._ledger.top_up()

    async def capacity_changed(self) -> None:
        """Workers or queues came back: wake what waited for them."""
        self._ledger.top_up()
        await self._each(WAITING_FOR_WORKERS, live=self._live())

    def resumed(self, queue: str) -> None:
        """Wake in the background what a paused queue kept, however much it is."""
        self._ledger.top_up()
        task = asyncio.create_task(self._wake(queue))
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    async def _wake(self, queue: str) -> None:
        if error := await failure_of(self._wake_all(queue)):
            log.warning("sweeper.not_woken", queue=queue, exc_info=error)

    async def _wake_all(self, queue: str) -> None:
        await self._each(HELD_BACK, queue=queue)

    async def _each(self, query: TextClause, **values: object) -> None:
        """Have the ledger look at all jobs that a query finds, a thousand at a time."""
        after = UUID(int=0)
        while found := await self._ids(query, after=after, **values):
            await self.revisit(found)
            after = found[-1]

    def _live(self) -> str:
        """The processors that live workers have: others' jobs need not be looked at."""
        return msgspec.json.encode(sorted(self._fleet.live_processors)).decode()

    async def _round(self) -> None:
        await self._sweep()
        await self._timers_until_next()

    async def _sweep(self) -> None:
        await self._fleet.refresh()
        async with self._database.transaction() as connection:
            await connection.execute(_ENSURE_MONTHS)
            await connection.execute(FORGET)
        found = await self._ids(SUSPECT, order_s=self._order_s, live=self._live())
        if found:
            log.info("sweeper.revisits", jobs=len(found))
            await self.revisit(found)
        await self._fire()
        await self._next_due()
        self._ledger.top_up()

    async def _timers_until_next(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._sweep_s
        while (left := until - loop.time()) > 0:
            self._ledger.due_changed.clear()
            due = self._ledger.due
            wait = left if due is None else min(left, _seconds_until(due))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ledger.due_changed.wait(), max(wait, 0.001))
                continue
            if due is not None and _seconds_until(due) <= 0:
                self._ledger.due = None
                await self.revisit(await self._ids(DUE))
                await self._fire()
                await self._next_due()

    async def _next_due(self) -> None:
        async with self._database.transaction() as connection:
            found = await connection.scalar(NEXT_DUE)
        if found is not None and (self._ledger.due is None or found < self._ledger.due):
            self._ledger.due = found

    async def _ids(self, query: TextClause, **values: object) -> list[UUID]:
        async with self._database.transaction() as connection:
            return list((await connection.scalars(query, values)).all())


def _seconds_until(moment: datetime) -> float:
    return (moment - datetime.now(UTC)).total_seconds()


_DUE_TASKS = "select job_id from tasks where status = 'retrying' and next_at <= now()"
DUE = text(f"""
select id from jobs where status = 'scheduled' and run_at <= now()
union select id from jobs where status = 'cancelling' and cancel_deadline <= now()
union (select id from jobs where finished_at is null and deadline <= now() limit 5000)
union {_DUE_TASKS}
""")
NEXT_DUE = text("""
select least(
    (select min(run_at) from jobs where status = 'scheduled'),
    (select min(cancel_deadline) from jobs where status = 'cancelling'),
    (select min(deadline) from jobs where finished_at is null),
    (select min(next_at) from tasks where status = 'retrying'),
    (select min(next_at) from schedules where not paused))
""")
# a key without a living holder should have been handed to the first job that waits for it
_KEYS_LEFT_FREE = """
select first.id from (
    select distinct tenant_id, concurrency_key as key from jobs
    where status = 'blocked' and blocked_reason = 'concurrency_key'
) wanted cross join lateral (
    select id from jobs where jobs.tenant_id = wanted.tenant_id
    and jobs.concurrency_key = wanted.key and status = 'blocked'
    and blocked_reason = 'concurrency_key' order by id limit 1
) first where not exists (
    select from concurrency held join jobs on jobs.id = held.job_id
    where (held.tenant_id, held.key) = (wanted.tenant_id, wanted.key)
    and jobs.finished_at is null
)"""
SUSPECT = text(f"""
(select job_id from tasks where status = 'running' and lease_until < now() limit 5000)
union (select tasks.job_id from tasks join workers on workers.name = tasks.worker
    where tasks.status = 'running' and workers.boot_id <> tasks.boot_id limit 5000)
union (select job_id from tasks where status = 'dispatched'
    and dispatched_at < now() - make_interval(secs => :order_s) limit 5000)
union (select id from jobs where status = 'scheduled' and run_at <= now() limit 5000)
union (select id from jobs where status = 'cancelling' limit 5000)
union (select id from jobs where status = 'blocked' and processors <@ cast(:live as jsonb)
    and blocked_reason in ('no_worker', 'queue_paused') limit 5000)
union (select jobs.id from jobs join datasets on datasets.id = jobs.dataset_id
    where jobs.status = 'blocked' and jobs.blocked_reason = 'dataset'
    and datasets.status <> 'validating' limit 5000)
union ({_KEYS_LEFT_FREE} limit 5000)
union ({_DUE_TASKS} limit 5000)
union (select id from jobs where finished_at is null and deadline < now() limit 5000)
""")
OF_WORKER = text("""
select tasks.job_id from tasks join workers on workers.name = :worker
where tasks.status = 'running' and tasks.worker = :worker and tasks.boot_id <> workers.boot_id
union select tasks.job_id from tasks join workers on workers.name = :worker
where tasks.status = 'dispatched' and tasks.queue = any(workers.queues)
and tasks.dispatched_at < now() - interval '1 second'
""")
_ON_THE_CONVEYOR = text("select job_id from tasks where status = 'dispatched' limit 5000")
WAITING_FOR_WORKERS = text("""
select id from jobs where status = 'blocked' and blocked_reason = 'no_worker' and id > :after
and processors <@ cast(:live as jsonb) order by id limit 1000
""")
HELD_BACK = text("""
select id from jobs where status = 'blocked' and blocked_reason = 'queue_paused' and id > :after
and exists (select from tasks where tasks.job_id = jobs.id and tasks.queue = :queue)
order by id limit 1000
""")
_ENSURE_MONTHS = text("select ensure_months(now() + interval '2 months')")
