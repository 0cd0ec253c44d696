"""How many orders each queue may have out, and which queued tasks come next."""

from collections import Counter, deque
from uuid import UUID

import asyncpg
from msgspec import Struct

from tidemill_jobs.records import TaskRecord
from tidemill_jobs.turns import Lane

RECENT_S = 0.25
RECOUNT_S = 1.0
PURE_WINDOW = 64


class Lanes:
    """What this process believes of each queue: how many orders are out, and whether more wait.

    PostgreSQL is asked again once a second and whenever tasks wait that are not in memory; other
    replicas make the belief wrong by a little, which only makes the conveyor a little longer.
    """

    def __init__(self) -> None:
        self.slots: dict[str, int] = {}
        self.paused: frozenset[str] = frozenset()
        self._out: Counter[Lane] = Counter()
        self._counted: dict[Lane, float] = {}
        self._waiting: set[Lane] = set()
        self._finished: dict[Lane, deque[float]] = {}

    def start(self, tasks: list[TaskRecord], at: float) -> list[TaskRecord]:
        """Of queued tasks those that may go out at once; the others wait in PostgreSQL."""
        free = Counter[Lane]()
        chosen: list[TaskRecord] = []
        for task in tasks:
            lane = (task.queue, task.pure)
            if lane not in free:
                free[lane] = self._free(lane, at)
            if free[lane] > 0:
                free[lane] -= 1
                chosen.append(task)
            else:
                self._waiting.add(lane)
        return chosen

    def to_pick(self, touched: set[Lane], at: float) -> dict[Lane, int]:
        """The windows of lanes in which tasks may wait that are not in memory."""
        return {
            lane: self._window(lane, at)
            for lane in touched
            if lane[0] in self.slots and (lane in self._waiting or self._is_stale(lane, at))
        }

    def counted(self, lane: Lane, out: int, at: float, *, more: bool) -> None:
        """PostgreSQL's own count of orders out, and whether it still has queued tasks."""
        self._out[lane], self._counted[lane] = out, at
        (self._waiting.add if more else self._waiting.discard)(lane)

    def moved(self, lane: Lane, by: int) -> None:
        self._out[lane] += by

    def finished(self, lane: Lane, at: float) -> None:
        self._finished.setdefault(lane, deque()).append(at)

    def forget(self) -> None:
        """Believe nothing any more: workers or the broker changed."""
        self._counted.clear()

    def _is_stale(self, lane: Lane, at: float) -> bool:
        return self._counted.get(lane, float("-inf")) < at - RECOUNT_S

    def _free(self, lane: Lane, at: float) -> int:
        if lane[0] not in self.slots or lane[0] in self.paused:
            return 0
        if lane in self._waiting or self._is_stale(lane, at):
            return 0
        return self._window(lane, at) - self._out[lane]

    def _window(self, lane: Lane, at: float) -> int:
        """Live slots and what just finished; at least 64 for pure steps."""
        recent = self._finished.get(lane, deque[float]())
        while recent and recent[0] < at - RECENT_S:
            recent.popleft()
        size = self.slots.get(lane[0], 0) + len(recent)
        return max(PURE_WINDOW, size) if lane[1] else size


class Picked(Struct, frozen=True):
    """Tasks that PostgreSQL has waiting and that fit, and what it counts for each lane."""

    tasks: list[tuple[UUID, UUID]]
    counts: dict[Lane, int]
    places: dict[Lane, int]


async def pick(connection: asyncpg.Connection, windows: dict[Lane, int]) -> Picked:
    """(job, task) of queued tasks that fit into the windows.

    The most urgent come first, then those whose turn it is; a paused queue gives none.
    """
    rows = await connection.fetch(
        _PICK,
        [lane[0] for lane in windows],
        [lane[1] for lane in windows],
        list(windows.values()),
    )
    tasks = [(row["job_id"], row["id"]) for row in rows if row["id"] is not None]
    counts = {(row["queue"], row["pure"]): row["out"] for row in rows}
    places = {(row["queue"], row["pure"]): row["fair"] or 0 for row in rows}
    return Picked(tasks, counts, places)


async def last_places(connection: asyncpg.Connection, lane: Lane) -> list[tuple[UUID, int]]:
    """The last place of each tenant whose tasks wait."""
    return [(row["tenant_id"], row["last"]) for row in await connection.fetch(_LAST, *lane)]


_LAST = """
select tenant_id, max(fair) as last from tasks
where queue = $1 and pure = $2 and status = 'queued' group by tenant_id
"""
_PICK = """
select lane.queue, lane.pure, busy.out, picked.job_id, picked.id, picked.fair
from (
    select *, exists (select from queues where name = given.queue and queues.paused) as paused
    from unnest($1::text[], $2::boolean[], $3::int[]) given (queue, pure, size)
) lane
cross join lateral (
    select count(*) as out from tasks
    where tasks.queue = lane.queue and tasks.pure = lane.pure
    and tasks.status in ('dispatched', 'running')
) busy
left join lateral (
    select tasks.job_id, tasks.id, tasks.fair from tasks join jobs on jobs.id = tasks.job_id
    where tasks.queue = lane.queue and tasks.pure = lane.pure and tasks.status = 'queued'
    and not lane.paused
    and tasks.tenant_id <> all (array(
        select held.tenant_id from queue_pauses held where held.queue = lane.queue))
    order by tasks.priority desc, tasks.fair, tasks.job_id
    limit greatest(lane.size - busy.out, 0)
    for no key update of jobs skip locked
) picked on true
"""
