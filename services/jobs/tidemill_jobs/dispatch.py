"""From queued tasks to orders on WORK: how many may be out, and which come next."""

from collections import deque
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
from tidemill_jobs import flow
from tidemill_jobs.records import JobRecord, TaskRecord, TaskStatus
from tidemill_kit import streams
from tidemill_kit.streams import MAX_BATCH, WORK, Entry, StreamRefused

log = structlog.get_logger()
RECENT_S = 0.25
PURE_WINDOW = 64
ONE_BY_ONE = 6
MAX_ORDER_BYTES = 512 * 1024
_encode = msgspec.json.Encoder().encode

type Lane = tuple[str, bool]


class Window:
    """How many orders of each queue may be out: live slots and what just finished."""

    def __init__(self) -> None:
        self.slots: dict[str, int] = {}
        self._finished: dict[Lane, deque[float]] = {}

    def finished(self, task: TaskRecord, at: float) -> None:
        self._finished.setdefault((task.queue, task.pure), deque()).append(at)

    def sizes(self, lanes: set[Lane], at: float) -> dict[Lane, int]:
        """The most orders that each of these lanes may have out now."""
        return {lane: self._size(lane, at) for lane in lanes if self.slots.get(lane[0])}

    def _size(self, lane: Lane, at: float) -> int:
        recent = self._finished.get(lane, deque[float]())
        while recent and recent[0] < at - RECENT_S:
            recent.popleft()
        size = self.slots[lane[0]] + len(recent)
        return max(PURE_WINDOW, size) if lane[1] else size


async def pick(
    connection: asyncpg.Connection,
    sizes: dict[Lane, int],
) -> list[tuple[UUID, UUID]]:
    """(job, task) of queued tasks that fit into the windows, the most urgent first."""
    rows = await connection.fetch(
        _PICK,
        [lane[0] for lane in sizes],
        [lane[1] for lane in sizes],
        list(sizes.values()),
    )
    return [(row["job_id"], row["id"]) for row in rows]


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


_PICK = """
select picked.job_id, picked.id
from unnest($1::text[], $2::boolean[], $3::int[]) lane (queue, pure, size)
cross join lateral (
    select count(*) as out from tasks
    where tasks.queue = lane.queue and tasks.pure = lane.pure
    and tasks.status in ('dispatched', 'running')
) busy
cross join lateral (
    select tasks.job_id, tasks.id from tasks join jobs on jobs.id = tasks.job_id
    where tasks.queue = lane.queue and tasks.pure = lane.pure and tasks.status = 'queued'
    order by tasks.priority desc, tasks.job_id
    limit greatest(lane.size - busy.out, 0)
    for no key update of jobs skip locked
) picked
"""
