"""Sends what waits for one webhook, and again what did not arrive."""

import asyncio
import random
import time
from asyncio import TaskGroup
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from tidemill_contracts.ids import now
from tidemill_contracts.webhooks import DeliveryAttempt
from tidemill_kit.errors import Unavailable
from tidemill_notifier.live import Live
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks import signing
from tidemill_notifier.webhooks.book import Book, Endpoint, Waiting
from tidemill_notifier.webhooks.intake import Intake
from tidemill_notifier.webhooks.retries import wait_s
from tidemill_notifier.webhooks.sending import Answer, Sender

log = structlog.get_logger()
ATTEMPTS = Counter(
    "tidemill_webhook_attempts_total",
    "Requests to webhooks by what came of them.",
    ("outcome",),
)
SECONDS = Histogram("tidemill_webhook_attempt_seconds", "Time of a request to a webhook.")
DISABLED = Counter("tidemill_webhooks_disabled_total", "Webhooks that were disabled.")
AGAIN_S = 1.0
IDLE_S = 60.0
_draw = random.SystemRandom().uniform


class Courier:
    """Keeps the order of each thing's events: one that fails holds up those behind it alone."""

    def __init__(
        self,
        endpoint: Endpoint,
        book: Book,
        sender: Sender,
        live: Live,
        settings: WebhookSettings,
    ) -> None:
        self.until = 0.0
        self._endpoint = endpoint
        self._book = book
        self._sender = sender
        self._settings = settings
        self._closing = False
        self._work = asyncio.Event()
        self._busy = set[UUID]()
        self._intake = Intake(
            endpoint,
            book,
            live,
            backlog=settings.webhook_backlog,
            added=self._work.set,
        )
        self._log = log.bind(webhook_id=str(endpoint.id), tenant_id=str(endpoint.tenant_id))

    def close(self) -> None:
        """Start nothing more; what is under way comes to its end."""
        self._closing = True
        self._work.set()

    async def run(self) -> None:
        """Deliver until closed, or until the webhook is no longer held as it was."""
        async with TaskGroup() as tasks:
            reading = tasks.create_task(self._intake.run())
            reading.add_done_callback(lambda _: self.close())
            while not self._closing:
                self._work.clear()
                try:
                    idle_s = await self._start_some(tasks)
                except Unavailable as error:
                    self._log.info("webhook.delayed", reason=str(error)[:200])
                    idle_s = AGAIN_S
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), idle_s)
            reading.cancel()

    async def _start_some(self, tasks: TaskGroup) -> float:
        """Send what is due, as far as there is room; answers for how long nothing else will be."""
        room = self._settings.webhook_concurrency - len(self._busy)
        if room <= 0:
            return IDLE_S
        if not self._held():
            return AGAIN_S
        heads = await self._book.heads(self._endpoint.id, self._busy, room + 1)
        due = [head for head in heads if head.wait_s <= 0][:room]
        for head in due:
            self._busy.add(head.key)
            tasks.create_task(self._deliver(head))
        later = [head.wait_s for head in heads if head.wait_s > 0]
        return min([*later, IDLE_S])

    async def _deliver(self, head: Waiting) -> None:
        at = now()
        headers = signing.headers(head.event_id, at, head.body, self._endpoint.keys)
        answer = await self._sender.send(self._endpoint.url, head.body, headers)
        attempt = attempt_of(at, answer)
        ATTEMPTS.labels("accepted" if answer.accepted else answer.error or "refused").inc()
        SECONDS.observe(answer.duration_ms / 1_000)
        # without the database what has arrived is sent again: receivers know it by its id
        while True:
            try:
                await self._record(head, answer, attempt)
                break
            except Unavailable as error:
                self._log.warning("webhook.unrecorded", reason=str(error)[:200])
                if not self._held():
                    break
                await asyncio.sleep(AGAIN_S)
        self._busy.discard(head.key)
        self._work.set()
        self._intake.more()

    async def _record(self, head: Waiting, answer: Answer, attempt: DeliveryAttempt) -> None:
        if answer.accepted:
            await self._book.delivered(self._endpoint.id, head.id, attempt)
            return
        wait = wait_s(head.tries + 1, self._settings, _draw, asked_s=answer.retry_after_s)
        self._log.info(
            "webhook.failed",
            event_id=str(head.event_id),
            tries=head.tries + 1,
            status_code=answer.status_code,
            error=answer.error,
        )
        disabled = await self._book.failed(
            self._endpoint, head.id, attempt, wait_s=wait, gone=answer.gone
        )
        if disabled:
            DISABLED.inc()
            self._log.warning("webhook.disabled", gone=answer.gone)
            self.close()

    def _held(self) -> bool:
        """Whether a request that starts now ends while the webhook still is ours."""
        return time.monotonic() + self._settings.webhook_timeout_s < self.until


def attempt_of(at: datetime, answer: Answer) -> DeliveryAttempt:
    """What an answer leaves in the log of deliveries."""
    return DeliveryAttempt(
        at=at,
        duration_ms=answer.duration_ms,
        status_code=answer.status_code,
        error=answer.error,
        response=answer.response,
    )
