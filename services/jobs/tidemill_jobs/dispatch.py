"""The conveyor: from queued tasks to orders on WORK."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
from msgspec.structs import replace
from nats.aio.client import Client

from tidemill_contracts.work import RunTask
from tidemill_jobs import flow, rows
from tidemill_jobs.book import Book
from tidemill_jobs.fleet import Fleet
from tidemill_jobs.lanes import Lanes, last_places, pick
from tidemill_jobs.recent import RecentJobs
from tidemill_jobs.records import JobRecord, TaskRecord, TaskStatus
from tidemill_jobs.turns import Lane, Turns
from tidemill_kit import streams
from tidemill_kit.streams import MAX_BATCH, WORK, Entry, StreamRefused

log = structlog.get_logger()
ONE_BY_ONE = 6
MAX_ORDER_BYTES = 512 * 1024
_encode = msgspec.json.Encoder().encode


class Conveyor:
    """What keeps the workers fed: tasks of the group at hand first, then those that wait."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._lanes = Lanes()
        self._turns = Turns()
        self.topping_up = False

    def top_up(self) -> None:
        """Look at all queues with the next group: workers or the broker may have come back."""
        self._lanes.forget()
        self.topping_up = True

    def forget(self) -> None:
        """Count again: a transaction failed, and what was believed with it."""
        self._lanes.forget()

    def start(self, book: Book) -> list[Entry]:
        """Orders for tasks of this group that fit into their queues' windows."""
        self._lanes.slots, self._lanes.paused = self._fleet.slots, self._fleet.paused
        queued = [
            task
            for job in book.changed()
            for task in job.tasks
            if task.status is TaskStatus.QUEUED
            and not self._fleet.holds_back(job.tenant_id, task.queue)
        ]
        chosen = self._lanes.start(queued, time.monotonic()) if queued else []
        return [order(book.jobs[task.job_id], task, book.facts.now) for task in chosen]

    async def line_up(self, connection: asyncpg.Connection, book: Book) -> None:
        """Give tasks that have to wait a place among those of other tenants."""
        waiting = [
            task
            for job in book.changed()
            for task in job.tasks
            if task.status is TaskStatus.QUEUED and task.fair == 0
        ]
        for lane in {(task.queue, task.pure) for task in waiting}:
            if not self._turns.knows(lane):
                self._turns.learn(lane, await last_places(connection, lane))
        for task in waiting:
            task.fair = self._turns.place(task)

    def windows(self, book: Book) -> dict[Lane, int]:
        """The lanes for which PostgreSQL must be asked, each with the size of its window."""
        touched = {(task.queue, task.pure) for job in book.jobs.values() for task in job.tasks}
        if self.topping_up:
            touched |= {(queue, pure) for queue in self._fleet.slots for pure in (True, False)}
            self.topping_up = False
        return self._lanes.to_pick(touched, time.monotonic())

    async def pick(
        self,
        connection: asyncpg.Connection,
        book: Book,
        windows: dict[Lane, int],
        recent: RecentJobs,
    ) -> tuple[list[Entry], set[Lane]]:
        """Orders for tasks that wait in PostgreSQL, and the lanes that were counted for it."""
        if not windows:
            return [], set()
        at = time.monotonic()
        picked = await pick(connection, windows)
        others = sorted({job_id for job_id, _ in picked.tasks} - book.jobs.keys())
        found = book.jobs | (await rows.lock_jobs(connection, others, recent) if others else {})
        orders: list[Entry] = []
        sent = Counter[Lane]()
        started: list[TaskRecord] = []
        for job_id, task_id in picked.tasks:
            task = found[job_id].task(task_id)
            # the query's snapshot may be older than the lock: another replica was faster
            if task is not None and task.status is TaskStatus.QUEUED:
                orders.append(order(found[job_id], task, book.facts.now))
                sent[task.queue, task.pure] += 1
                started.append(task)
        # the jobs too: whoever remembers them sees by their rows that something changed
        touched_jobs = {task.job_id: found[task.job_id] for task in started}
        await rows.write(connection, {"jobs": list(touched_jobs.values()), "tasks": started})
        for lane, out in picked.counts.items():
            self._turns.served(lane, picked.places[lane])
            free = windows[lane] - out
            self._lanes.counted(lane, out + sent[lane], at, more=sent[lane] >= free)
        return orders, set(picked.counts)

    def note(self, book: Book, was_out: dict[UUID, bool], recounted: set[Lane]) -> None:
        """Keep the count of orders out, for the lanes that PostgreSQL did not just count."""
        at = time.monotonic()
        for job in book.jobs.values():
            for task in job.tasks:
                lane, before = (task.queue, task.pure), was_out.get(task.id, False)
                if lane not in recounted:
                    self._lanes.moved(lane, task.status.is_out - before)
                if before and task.status.is_over:
                    self._lanes.finished(lane, at)


def order(job: JobRecord, task: TaskRecord, now: datetime) -> Entry:
    """Take a new dispatch number and write the order; a task of pure steps carries its work."""
    task.status = TaskStatus.DISPATCHED
    task.dispatch += 1
    task.dispatched_at = now
    body = RunTask(
        task_id=task.id,
        job_id=job.id,
        tenant_id=job.tenant_id,
        dispatch=task.dispatch,
        work=flow.work(job, task) if task.pure else None,
    )
    encoded = _encode(body)
    if len(encoded) > MAX_ORDER_BYTES:
        encoded = _encode(replace(body, work=None))
    subject = f"tm.work.{task.queue}.{task.priority}"
    return Entry(subject, f"{task.id.hex}:{task.dispatch}", encoded)


async def publish(client: Client, orders: Sequence[Entry]) -> None:
    """Send orders; those that cannot be sent are found by the sweeper and sent again."""
    for start in range(0, len(orders), MAX_BATCH):
        some = list(orders[start : start + MAX_BATCH])
        try:
            await _send(client, some)
        except StreamRefused as error:
            log.warning("dispatch.delayed", orders=len(some), reason=str(error)[:200])


async def _send(client: Client, orders: list[Entry]) -> None:
    if len(orders) > ONE_BY_ONE:
        await streams.publish_batch(client, WORK, orders)
        return
    for entry in orders:
        await streams.publish(client, WORK, entry)


async def ensure_queue(client: Client, queue: str, ack_wait_s: float) -> None:
    """The durable consumer that workers fetch this queue's orders from."""
    name = f"work-{queue}"
    config: dict[str, Any] = {
        "durable_name": name,
        "name": name,
        "ack_policy": "explicit",
        "ack_wait": int(ack_wait_s * 1_000_000_000),
        "max_ack_pending": -1,
        "max_deliver": -1,
        "deliver_policy": "all",
        "replay_policy": "instant",
        "filter_subject": f"tm.work.{queue}.>",
    }
    request = {"stream_name": WORK, "config": config}
    answer = await streams.ask(client, f"CONSUMER.CREATE.{WORK}.{name}.tm.work.{queue}.>", request)
    if "error" in answer:
        raise StreamRefused(str(answer["error"].get("description")))
