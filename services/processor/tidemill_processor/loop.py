"""The loop: takes orders as there is room, has them run, and lets go of them at the end.

It runs no processor code itself.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import msgspec
import structlog
from nats.aio.msg import Msg

from tidemill_contracts.work import Announce, RunTask, Work
from tidemill_kit.bus import BusAway, RequestRefused
from tidemill_processor.attempt import Tools
from tidemill_processor.beats import Beats
from tidemill_processor.dispatch import Dispatch
from tidemill_processor.inbox import Inbox
from tidemill_processor.order import Identity, Order
from tidemill_processor.pure import Pure

log = structlog.get_logger()

SURPLUS_S = 0.25
STRAY_S = 1.0
FAREWELL_S = 1.0
LAST_WORDS_S = 5.0
_decode_task = msgspec.json.Decoder(RunTask).decode


class Loop:
    """All work of one worker, from its first announcement to its last report."""

    def __init__(self, tools: Tools, identity: Identity) -> None:
        self._tools = tools
        self._identity = identity
        self._dispatch = Dispatch(tools, identity, self._nudge)
        self._pure = Pure(tools, identity, run_in_slot=self._dispatch.put, finished=self._nudge)
        self._beats = Beats(
            tools.client,
            identity,
            tools.settings.beat_s,
            attempts=self._dispatch.attempts,
            loose=self._loose,
            announcement=self._announcement,
            announced=self._announced,
        )
        self._inboxes: dict[str, Inbox] = {}
        self._draining = False

    @property
    def away(self) -> bool:
        """Whether the jobs service does not answer."""
        parts = (self._beats, self._dispatch.claims, self._tools.reports)
        return any(part.away for part in parts)

    async def run(self) -> None:
        """Work until cancelled; whatever fails here ends the process."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pure.run())
            # whichever child is up first knows the processors, and there is nothing to say before
            await self._tools.slots.known.wait()
            for part in (
                self._dispatch.claims.run(),
                self._tools.reports.run(),
                self._tools.lines.run(),
                self._beats.run(),
                self._dispatch.run(),
                self._follow_slots(),
            ):
                group.create_task(part)
            for queue in sorted(self._queues()):
                inbox = self._inboxes[queue] = self._inbox(queue)
                group.create_task(inbox.run())

    async def drain(self) -> None:
        """Take nothing more, let what runs finish in time, hand back the rest."""
        self._draining = True
        await asyncio.gather(*(inbox.close() for inbox in self._inboxes.values()))
        await self._dispatch.hand_back()
        with suppress(BusAway, RequestRefused, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._beats.announce()
        if not await self._quiet(self._tools.settings.drain_s):
            for attempt in list(self._dispatch.attempts.values()):
                attempt.release("drain")
            await self._quiet(LAST_WORDS_S)

    def reconnected(self) -> None:
        """The connection to NATS is a new one."""
        for inbox in self._inboxes.values():
            inbox.reset()
        self._beats.announce_now()

    def _announcement(self) -> Announce:
        return Announce(
            worker=self._identity.worker,
            boot_id=self._identity.boot_id,
            slots=self._tools.slots.count,
            processors=self._tools.slots.processors,
            engines=dict.fromkeys(self._tools.settings.dask_queues_served, "dask"),
            leaving=self._draining,
        )

    def _announced(self) -> None:
        for inbox in self._inboxes.values():
            inbox.retry()

    def _queues(self) -> set[str]:
        """Those of its processors, and those whose frames go to the cluster."""
        named = {info.queue for info in self._tools.slots.processors}
        return named | self._tools.settings.dask_queues_served

    def _inbox(self, queue: str) -> Inbox:
        return Inbox(
            self._tools.client,
            queue,
            room=self._room,
            take=self._take,
            lost=self._beats.announce_now,
            pull_s=self._tools.settings.pull_s,
        )

    def _room(self, queue: str) -> int:
        if self._draining or self.away:
            return 0
        shared = queue in self._tools.settings.dask_queues_served
        known = self._tools.slots.processors
        pure = any(info.pure for info in known if shared or info.queue == queue)
        pure = self._pure.room if pure else 0
        return self._dispatch.room + max(0, pure)

    async def _take(self, queue: str, message: Msg) -> None:
        try:
            task = _decode_task(message.data)
        except msgspec.DecodeError as error:
            log.error("order.unreadable", queue=queue, reason=str(error))  # noqa: TRY400 - its text says it all
            await message.term()
            return
        order = Order(message=message, task=task, queue=queue)
        if self._draining:
            await order.hand_back()
        elif task.work is not None and not self._knows(task.work):
            await order.hand_back(STRAY_S)
        elif task.work is not None and _is_inline(task.work):
            self._pure.put(order, task.work)
        elif self._dispatch.room > 0:
            self._dispatch.put(order)
        else:
            await order.hand_back(SURPLUS_S)

    def _knows(self, work: Work) -> bool:
        names = {info.name for info in self._tools.slots.processors}
        return all(step.processor in names for step in work.steps)

    def _loose(self) -> Iterator[Order]:
        """Orders in hand that are not claimed."""
        yield from self._dispatch.unclaimed
        yield from self._pure.unsettled

    async def _follow_slots(self) -> None:
        """A slot whose child is warm again is room for an order."""
        changed = self._tools.slots.changed
        while True:
            await changed.wait()
            changed.clear()
            self._dispatch.wake()
            self._nudge()

    def _nudge(self) -> None:
        for inbox in self._inboxes.values():
            inbox.nudge()

    async def _quiet(self, seconds: float) -> bool:
        """Whether all that runs ended in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._dispatch.settle()
                await self._pure.settle()
        except TimeoutError:
            return False
        return True


def _is_inline(work: Work) -> bool:
    """Whether nothing has to be fetched before it can run."""
    given = work.given
    return given.value_ref is None and given.frame is None and given.source is None
