"""An order from WORK that this worker has in hand."""

import time
from uuid import UUID

import structlog
from msgspec import Struct, field
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from tidemill_contracts.work import ClaimTask, RunTask

log = structlog.get_logger()

KEPT_ALIVE_S = 60.0
ACK_S = 5.0


class Identity(Struct, frozen=True):
    """Who this worker is: a stable name, and an id of this start."""

    worker: str
    boot_id: UUID


class Order(Struct, kw_only=True, eq=False):
    """The message and what it asks for; `arrived` is a moment of the monotonic clock."""

    message: Msg
    task: RunTask
    queue: str = ""
    arrived: float = field(default_factory=time.monotonic)

    def claim(self, run_id: UUID, identity: Identity) -> ClaimTask:
        return ClaimTask(
            task_id=self.task.task_id,
            job_id=self.task.job_id,
            dispatch=self.task.dispatch,
            run_id=run_id,
            worker=identity.worker,
            boot_id=identity.boot_id,
        )

    async def ack(self) -> None:
        """The jobs service needs this order no more. A lost ack costs one more claim."""
        try:
            await self.message.ack_sync(timeout=ACK_S)
        except NatsError as error:
            log.info("order.ack_lost", task_id=str(self.task.task_id), reason=type(error).__name__)

    async def hand_back(self, delay: float | None = None) -> None:
        """Let another worker have it."""
        try:
            await self.message.nak(delay)
        except NatsError as error:
            log.info("order.nak_lost", task_id=str(self.task.task_id), reason=type(error).__name__)

    async def keep_alive(self) -> None:
        """Tell NATS that the order is in good hands."""
        try:
            await self.message.in_progress()
        except NatsError as error:
            log.info("order.beat_lost", task_id=str(self.task.task_id), reason=type(error).__name__)
