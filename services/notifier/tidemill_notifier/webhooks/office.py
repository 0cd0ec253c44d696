"""Which webhooks this process delivers: a lease in PostgreSQL lets one process have each."""

import asyncio
import time
from uuid import UUID

import structlog

from tidemill_kit.errors import Unavailable, failure_of
from tidemill_notifier.live import Live
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks.book import Book, Held
from tidemill_notifier.webhooks.courier import Courier
from tidemill_notifier.webhooks.sending import Sender
from tidemill_notifier.webhooks.statements import TRIMMED_AT_ONCE

log = structlog.get_logger()
TRIM_EVERY_S = 600.0
AGAIN_S = 5.0
LAST_S = 3.0


class LeaseTooShort(ValueError):
    """TM_WEBHOOK_LEASE_S must be more than twice TM_WEBHOOK_TIMEOUT_S."""


class Office:
    """Runs a courier for each webhook that it holds, and starts it anew when the webhook changes.

    A request is begun only if its time ends before the lease does: whoever takes the webhook over
    has nobody beside it.
    """

    def __init__(
        self,
        book: Book,
        live: Live,
        sender: Sender,
        settings: WebhookSettings,
    ) -> None:
        if settings.webhook_lease_s <= 2 * settings.webhook_timeout_s:
            raise LeaseTooShort(LeaseTooShort.__doc__)
        self._book = book
        self._live = live
        self._sender = sender
        self._settings = settings
        self._couriers: dict[UUID, tuple[Held, Courier]] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._trim_at = 0.0

    async def run(self) -> None:
        """Hold and deliver until cancelled; trouble with the database only delays."""
        try:
            while True:
                error = await failure_of(self._round())
                if error is not None:
                    level = log.info if isinstance(error, Unavailable) else log.warning
                    level("webhooks.delayed", reason=str(error)[:200], exc_info=error)
                await asyncio.sleep(self._settings.webhook_poll_s)
        finally:
            await self._leave()

    async def _round(self) -> None:
        asked = time.monotonic()
        held = {each.id: each for each in await self._book.hold()}
        for webhook_id, (known, courier) in self._couriers.items():
            found = held.get(webhook_id)
            same = found is not None and _version(found) == _version(known)
            courier.until = asked + found.left_s if found is not None else 0.0
            if not same:
                courier.close()
        for webhook_id, each in held.items():
            if webhook_id not in self._tasks:
                task = asyncio.create_task(self._work(each, asked + each.left_s))
                self._tasks[webhook_id] = task
                task.add_done_callback(lambda _, one=webhook_id: self._tasks.pop(one, None))
        if asked >= self._trim_at:
            trimmed = await self._book.trim()
            self._trim_at = asked + (0.0 if trimmed >= TRIMMED_AT_ONCE else TRIM_EVERY_S)

    async def _work(self, held: Held, until: float) -> None:
        error = await failure_of(self._courier(held, until))
        if error is not None:
            log.warning("webhook.interrupted", webhook_id=str(held.id), exc_info=error)
            await asyncio.sleep(AGAIN_S)

    async def _courier(self, held: Held, until: float) -> None:
        endpoint = await self._book.endpoint(held)
        if endpoint is None:
            return
        courier = Courier(endpoint, self._book, self._sender, self._live, self._settings)
        courier.until = until
        self._couriers[held.id] = held, courier
        try:
            await courier.run()
        finally:
            del self._couriers[held.id]

    async def _leave(self) -> None:
        """What is under way may end; then others may have what was ours."""
        for _, courier in self._couriers.values():
            courier.close()
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await failure_of(self._book.release())


def _version(held: Held) -> tuple[int, int]:
    return held.version, held.fence
