"""Reads the log for one webhook and writes down what is to be sent, in one step with how far."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_kit.errors import Unavailable
from tidemill_notifier.fanout import Batch
from tidemill_notifier.history import HistoryForgotten
from tidemill_notifier.live import Live
from tidemill_notifier.replay import Replay
from tidemill_notifier.selection import ALL, Selection
from tidemill_notifier.webhooks.book import Book, Endpoint

log = structlog.get_logger()
AGAIN_S = 1.0
IDLE_S = 60.0


class Intake:
    """Follows the hub as a socket does; the cursor lies in PostgreSQL, so nothing is skipped."""

    def __init__(
        self,
        endpoint: Endpoint,
        book: Book,
        live: Live,
        *,
        backlog: int,
        added: Callable[[], None],
    ) -> None:
        self.name = str(endpoint.id)
        self.selection = Selection(endpoint.reader, [ALL], endpoint.types)
        self._endpoint = endpoint
        self._book = book
        self._live = live
        self._backlog = backlog
        self._added = added
        self._stored = endpoint.cursor
        self._stored_at = time.monotonic()
        self._replay = self._from_stored()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Read on until cancelled, or until the webhook is no longer held as it was."""
        self._live.hub.join(self)
        try:
            while True:
                self._news.clear()
                try:
                    wait_s = await self._step()
                except Unavailable as error:
                    log.info("webhook.delayed", reason=str(error)[:200], **self._names)
                    # a page that broke off is read again from where the last one ended
                    self._replay, wait_s = self._from_stored(), AGAIN_S
                except HistoryForgotten as error:
                    log.warning("webhook.missed", resume=str(error.resume), **self._names)
                    wait_s = 0.0
                if wait_s is None:
                    return
                if wait_s:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), wait_s)
        finally:
            self._live.hub.leave(self)

    def more(self) -> None:
        """Look again: there may be room now."""
        self._news.set()

    def take(self, batch: Batch) -> None:
        del batch  # pages are read from the log
        self._news.set()

    def progressed(self, job_id: str, progress: bytes) -> None:
        """Progress is no event."""

    def said(self, job_id: str, lines: LiveLines) -> None:
        """Lines are no events."""

    def restart(self, behind: Cursor) -> None:
        del behind
        self._news.set()

    async def _step(self) -> float | None:
        """One page; answers how long to wait for news, None where the webhook is another's."""
        if await self._book.waiting(self._endpoint.id) >= self._backlog:
            return IDLE_S
        await self._live.hub.agreed(AGAIN_S)
        entries = await self._replay.page()
        cursor = self._replay.cursor
        if entries or (cursor != self._stored and time.monotonic() > self._stored_at + IDLE_S):
            if not await self._book.add(self._endpoint, entries, cursor):
                return None
            self._stored, self._stored_at = cursor, time.monotonic()
            self._added()
        return 0.0 if entries else IDLE_S

    def _from_stored(self) -> Replay:
        return Replay(self._live.hub, self._live.archive, self.selection, self._stored)

    @property
    def _names(self) -> dict[str, str]:
        return {
            "webhook_id": str(self._endpoint.id),
            "tenant_id": str(self._endpoint.tenant_id),
            "cursor": str(self._stored),
        }
