"""What workers ask over NATS: announce, claim, report, beat; and who is told of a cancel."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID, uuid4

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from tidemill_contracts.log import AskEpoch, Epoch
from tidemill_contracts.work import (
    Announce,
    Beat,
    BeatOutcome,
    CancelTask,
    ClaimAnswer,
    ClaimTask,
    ReportOutcome,
    ReportTask,
)
from tidemill_jobs import dispatch, topology
from tidemill_jobs.commands import Claim, Report, SignOfLife
from tidemill_jobs.fleet import CHANGED, Fleet
from tidemill_jobs.ledger import Ledger
from tidemill_jobs.sweeper import Sweeper
from tidemill_kit.bus import answer
from tidemill_kit.db import Database
from tidemill_kit.errors import Unavailable

log = structlog.get_logger()
CANCEL = "tm.control.cancel"
_encode = msgspec.json.Encoder().encode


class Cancels:
    """Cancels that nobody has confirmed yet, told again each second."""

    def __init__(self) -> None:
        self._told: dict[UUID, tuple[CancelTask, int]] = {}
        self._client: Client | None = None

    async def tell(self, cancels: Sequence[CancelTask]) -> None:
        for cancel in cancels:
            if cancel.run_id not in self._told:
                repeats = int(cancel.grace_s) + 10
                self._told[cancel.run_id] = (cancel, repeats)
                await self._publish(cancel)

    def confirmed(self, run_id: UUID) -> None:
        self._told.pop(run_id, None)

    async def run(self, client: Client) -> None:
        self._client = client
        while True:
            await asyncio.sleep(1.0)
            for run_id, (cancel, left) in list(self._told.items()):
                if left <= 0:
                    self.confirmed(run_id)
                    continue
                self._told[run_id] = (cancel, left - 1)
                await self._publish(cancel)

    async def _publish(self, cancel: CancelTask) -> None:
        if self._client is not None and self._client.is_connected:
            await self._client.publish(CANCEL, _encode(cancel))


class Workers:
    """Answers the workers' requests out of the ledger."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        fleet: Fleet,
        sweeper: Sweeper,
        cancels: Cancels,
        *,
        ack_wait_s: float,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._fleet = fleet
        self._sweeper = sweeper
        self._cancels = cancels
        self._ack_wait_s = ack_wait_s
        self._id = uuid4().bytes

    async def serve(self, client: Client) -> None:
        async def epoch(asked: AskEpoch) -> Epoch:
            return await topology.epoch(client, self._database, asked)

        async def announce(said: Announce) -> dict[str, str]:
            return await self._announce(client, said)

        await client.subscribe(CHANGED, cb=self._fleet_changed)
        await answer(client, "tm.rpc.jobs.epoch", AskEpoch, epoch)
        await answer(client, "tm.rpc.jobs.announce", Announce, announce)
        await answer(client, "tm.rpc.jobs.claim", list[ClaimTask], self._claim)
        await answer(client, "tm.rpc.jobs.report", list[ReportTask], self._report)
        await answer(client, "tm.rpc.jobs.beat", Beat, self._beat)

    async def reconnected(self, client: Client) -> None:
        """The store may be a new one: make what is missing and fill it again."""
        await topology.ensure(client)
        for queue in self._fleet.slots:
            await dispatch.ensure_queue(client, queue, self._ack_wait_s)
        await self._sweeper.broker_changed()

    async def _announce(self, client: Client, said: Announce) -> dict[str, str]:
        before = self._fleet.live_processors
        is_new = await self._fleet.announce(said)
        if is_new or said.leaving or self._fleet.live_processors - before:
            # other replicas believe in the former boot, whose leases are over, until they look
            await client.publish(CHANGED, self._id)
        for queue in sorted({info.queue for info in said.processors} | said.engines.keys()):
            await dispatch.ensure_queue(client, queue, self._ack_wait_s)
        if is_new:
            await self._sweeper.new_boot(said.worker)
        elif self._fleet.live_processors - before:
            await self._sweeper.capacity_changed()
        return {}

    async def _fleet_changed(self, message: Msg) -> None:
        if message.data != self._id:
            with suppress(Unavailable):
                await self._fleet.refresh()
            self._ledger.top_up()

    async def _claim(self, asked: list[ClaimTask]) -> list[ClaimAnswer]:
        if any(self._fleet.boots.get(claim.worker) != claim.boot_id for claim in asked):
            await self._fleet.look_again()
        claims = [self._ledger.ask(Claim, asked=claim) for claim in asked]
        return await asyncio.gather(*claims)

    async def _report(self, said: list[ReportTask]) -> list[ReportOutcome]:
        for report in said:
            if report.ending is not None:
                self._cancels.confirmed(report.run_id)
        return await asyncio.gather(*[self._ledger.ask(Report, said=report) for report in said])

    async def _beat(self, beat: Beat) -> list[BeatOutcome]:
        found: list[BeatOutcome] = await self._ledger.ask(SignOfLife, beat=beat)
        for held, outcome in zip(beat.held, found, strict=True):
            if outcome is BeatOutcome.CANCELLED:
                self._cancels.confirmed(held.run_id)
        return found
