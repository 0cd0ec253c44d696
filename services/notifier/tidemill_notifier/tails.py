"""An endless read of the log for one HTTP client: it pulls, so it can lag but never overflow."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import structlog

from tidemill_contracts.identity import Principal
from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_notifier.archive import HistoryAway
from tidemill_notifier.fanout import Batch
from tidemill_notifier.history import HistoryForgotten
from tidemill_notifier.live import Live
from tidemill_notifier.replay import Replay
from tidemill_notifier.ring import Entry
from tidemill_notifier.selection import Selection

log = structlog.get_logger()
_COMMENT = b": %b\n\n"
_GAP = b'event: gap\ndata: {"reason":"retention","resume":"%b"}\n\n'


class Tail:
    """Server-sent events of a selection, with a comment as heartbeat, until the token ends."""

    def __init__(
        self,
        live: Live,
        principal: Principal,
        selection: Selection,
        replay: Replay,
    ) -> None:
        self.name = ""
        self.selection = selection
        self._live = live
        self._principal = principal
        self._replay = replay
        self._wake = asyncio.Event()
        self._ended = False

    async def lines(self) -> AsyncGenerator[bytes]:
        """Everything from the replay's cursor on, as `text/event-stream`."""
        with self._live.sessions.holding(self._principal, self):
            self._live.hub.join(self)
            try:
                yield _COMMENT % b"connected"
                async for chunk in self._chunks():
                    yield chunk
            except HistoryAway as error:
                log.info("tail.cut", cursor=str(self._replay.cursor), reason=str(error))
            finally:
                self._live.hub.leave(self)

    async def _chunks(self) -> AsyncGenerator[bytes]:
        while not self._over():
            self._wake.clear()
            try:
                while not self._over() and (entries := await self._replay.page()):
                    yield b"".join(_lines(entry) for entry in entries)
            except HistoryForgotten as error:
                yield _GAP % str(error.resume).encode()
                continue
            if not await self._woken():
                yield _COMMENT % str(self._live.hub.head).encode()

    def take(self, batch: Batch) -> None:
        """What is new is read from the ring."""
        del batch
        self._wake.set()

    def progressed(self, job_id: str, progress: bytes) -> None:
        """Progress is no event."""

    def said(self, job_id: str, lines: LiveLines) -> None:
        """Lines are no events."""

    def restart(self, behind: Cursor) -> None:
        del behind
        self._wake.set()

    def revoked(self) -> None:
        self.stopped()

    def stopped(self) -> None:
        self._ended = True
        self._wake.set()

    def _over(self) -> bool:
        return self._ended or datetime.now(UTC) >= self._principal.expires_at

    async def _woken(self) -> bool:
        """Whether something came before the next heartbeat or the token's end."""
        left = (self._principal.expires_at - datetime.now(UTC)).total_seconds()
        try:
            await asyncio.wait_for(
                self._wake.wait(),
                min(self._live.settings.heartbeat_s, max(left, 0.0)),
            )
        except TimeoutError:
            return False
        return True


def _lines(entry: Entry) -> bytes:
    head = f"id: {entry.cursor}\nevent: {entry.type}\ndata: ".encode()
    return head + entry.body + b"\n\n"
