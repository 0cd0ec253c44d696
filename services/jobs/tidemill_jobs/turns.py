"""Whose turn it is: a fair order among the tenants whose tasks wait for the same queue."""

from collections.abc import Iterable
from uuid import UUID

from tidemill_jobs.records import TaskRecord

type Lane = tuple[str, bool]
MOST = 10_000


class Turns:
    """Start-time fair queueing (Goyal, Vin and Cheng, 1996), each task counting as much.

    A tenant's first waiting task stands at the lane's virtual time, which is that of the task
    served last, and each further one a place behind. Each process has places of its own: with
    several, a tenant that submits through all of them is served as often as so many tenants.
    """

    def __init__(self) -> None:
        self._now: dict[Lane, int] = {}
        self._last: dict[Lane, dict[UUID, int]] = {}

    def knows(self, lane: Lane) -> bool:
        return lane in self._last

    def learn(self, lane: Lane, last: Iterable[tuple[UUID, int]]) -> None:
        """The last places that PostgreSQL has for each tenant."""
        self._last[lane] = dict(last)

    def place(self, task: TaskRecord) -> int:
        """Where a task that must wait stands; one that was out before is next."""
        lane, now = (task.queue, task.pure), self._now.get((task.queue, task.pure), 0)
        if task.dispatch:
            return max(now, 1)
        last = self._last.setdefault(lane, {})
        place = max(now, last.get(task.tenant_id, 0)) + 1
        last[task.tenant_id] = place
        if len(last) > MOST:
            self._last[lane] = {tenant: at for tenant, at in last.items() if at > now}
        return place

    def served(self, lane: Lane, place: int) -> None:
        self._now[lane] = max(self._now.get(lane, 0), place)
