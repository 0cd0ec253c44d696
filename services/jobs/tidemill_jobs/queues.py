"""Queues and workers: who pauses what, what waits where, who works."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

import structlog
from litestar import Litestar
from nats.errors import Error as NatsError
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from tidemill_contracts.identity import Principal
from tidemill_contracts.queues import PauseQueue, Queue
from tidemill_contracts.work import WorkerInfo
from tidemill_jobs.fleet import CHANGED, Fleet
from tidemill_jobs.tables import events, queue_pauses
from tidemill_kit.db import Database, Repository
from tidemill_kit.errors import Forbidden, NotFound

log = structlog.get_logger()
MOST = 100_000


class QueueNotFound(NotFound):
    """No worker fetches from a queue of this name, and nothing waits in it."""


class NotTheAdministrator(Forbidden):
    """Only the system's administrator pauses a queue for everybody."""


class QueueRepository(Repository):
    """A tenant's work by queue, and the queues that it has paused for itself."""

    events = events

    async def work(self) -> dict[str, Counter[str]]:
        """How many tasks wait and run in each queue; what is out and unclaimed still waits."""
        values = {"tenant": self.tenant_id, "most": MOST}
        found: dict[str, Counter[str]] = {}
        for row in await self.connection.execute(_WORK, values):
            found.setdefault(row.queue, Counter())[row.status] += row.number
        return found

    async def paused(self) -> set[str]:
        mine = queue_pauses.c.tenant_id == self.tenant_id
        return set(await self.connection.scalars(select(queue_pauses.c.queue).where(mine)))

    async def pause(self, queue: str, by: UUID) -> None:
        row = {"tenant_id": self.tenant_id, "queue": queue, "paused_by": by}
        await self.run(insert(queue_pauses).values(row).on_conflict_do_nothing())

    async def resume(self, queue: str) -> None:
        mine = queue_pauses.c.tenant_id == self.tenant_id
        await self.run(delete(queue_pauses).where(mine, queue_pauses.c.queue == queue))


async def listed(fleet: Fleet, queues: QueueRepository) -> list[Queue]:
    """Every queue that somebody works on, or that the tenant has work in, by name."""
    known = await fleet.known()
    work, paused = await queues.work(), await queues.paused()
    names = {info.queue for info in known.values()} | set(fleet.slots) | set(work) | paused
    return [_shown(name, fleet, work, paused) for name in sorted(names | fleet.paused)]


async def switch(
    app: Litestar,
    principal: Principal,
    name: str,
    order: PauseQueue,
    *,
    paused: bool,
) -> Queue:
    """Pause or resume a queue, and tell every replica; doing it again changes nothing."""
    if order.everyone and not principal.system_admin:
        raise NotTheAdministrator
    database: Database = app.state.database
    fleet: Fleet = app.state.fleet
    async with database.on_behalf_of(principal.tenant_id) as connection:
        mine = QueueRepository(connection, principal.tenant_id)
        if all(queue.name != name for queue in await listed(fleet, mine)):
            raise QueueNotFound
        if paused and not order.everyone:
            await mine.pause(name, principal.user_id)
        elif not order.everyone:
            await mine.resume(name)
    if order.everyone:
        async with database.transaction() as connection:
            await connection.execute(_FOR_ALL, {"name": name, "paused": paused})
    log.info("queue.switched", queue=name, paused=paused, everyone=order.everyone)
    await fleet.refresh()
    await _tell(app)
    async with database.on_behalf_of(principal.tenant_id) as connection:
        mine = QueueRepository(connection, principal.tenant_id)
        return _shown(name, fleet, await mine.work(), await mine.paused())


async def workers(database: Database, alive_s: float) -> list[WorkerInfo]:
    """All workers that ever announced themselves; `busy` counts every tenant's tasks."""
    async with database.transaction() as connection:
        rows = await connection.execute(_WORKERS, {"alive": alive_s})
        return [WorkerInfo(**row) for row in rows.mappings()]


def _shown(
    name: str,
    fleet: Fleet,
    work: Mapping[str, Counter[str]],
    paused: set[str],
) -> Queue:
    here = work.get(name, Counter[str]())
    return Queue(
        name=name,
        paused=name in paused or name in fleet.paused,
        paused_for_all=name in fleet.paused,
        blocked=here["waiting"],
        queued=here["queued"] + here["dispatched"],
        running=here["running"],
        retrying=here["retrying"],
        slots=fleet.slots.get(name, 0),
        workers=fleet.workers.get(name, 0),
    )


async def _tell(app: Litestar) -> None:
    """Other replicas look at once; without NATS their sweep does it."""
    client = app.state.client
    if client is not None and client.is_connected:
        try:
            await client.publish(CHANGED, b"")
        except NatsError as error:
            log.info("queue.untold", reason=str(error))


_WORK = text("""
select tasks.queue, tasks.status, count(*) as number
from unnest(array['blocked', 'queued', 'running', 'retrying', 'cancelling']) open (status)
cross join lateral (
    select id from jobs where jobs.tenant_id = :tenant and jobs.status = open.status limit :most
) mine
join tasks on tasks.job_id = mine.id and tasks.tenant_id = :tenant
where tasks.status in ('queued', 'dispatched', 'running', 'retrying')
    or (tasks.status = 'waiting' and open.status = 'blocked')
group by tasks.queue, tasks.status
""")
_FOR_ALL = text("""
insert into queues (name, paused) values (:name, :paused)
on conflict (name) do update set paused = excluded.paused
""")
_WORKERS = text("""
select name, boot_id, slots, processors, queues, last_seen_at,
    slots > 0 and last_seen_at > clock_timestamp() - make_interval(secs => :alive) as live,
    coalesce(busy.number, 0) as busy
from workers left join (
    select worker, count(*) as number from tasks where status = 'running' group by worker
) busy on busy.worker = workers.name
order by name
""")
