"""The fleet: which workers live, what they can do, and which queues are paused."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from uuid import UUID

import msgspec
from sqlalchemy import text

from tidemill_contracts.processors import ProcessorInfo
from tidemill_contracts.work import Announce
from tidemill_kit.db import Database
from tidemill_kit.errors import Unavailable

# tells the other replicas to look at workers and queues again
CHANGED = "tm.control.fleet"
REFRESH_S = 2.0
JUST_NOW_S = 0.5
POLARS = "polars"


class Fleet:
    """A copy of the workers' and processors' rows, fresh to two seconds."""

    def __init__(self, database: Database, *, alive_s: float) -> None:
        self._database = database
        self._alive_s = alive_s
        self._read = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None
        self.processors: dict[str, ProcessorInfo] = {}
        self.engines: dict[str, str] = {}
        self.live_processors: frozenset[str] = frozenset()
        self.slots: dict[str, int] = {}
        self.boots: dict[str, UUID] = {}
        self.workers: dict[str, int] = {}
        self.paused: frozenset[str] = frozenset()
        self.held: frozenset[tuple[UUID, str]] = frozenset()

    def holds_back(self, tenant_id: UUID, queue: str) -> bool:
        """Whether nothing of this tenant may start in this queue."""
        return queue in self.paused or (tenant_id, queue) in self.held

    async def known(self) -> dict[str, ProcessorInfo]:
        """Every processor that was ever announced, live or not; fresh to a few seconds."""
        if time.monotonic() - self._read > REFRESH_S and self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh_once())
        if not self.processors and self._refreshing is not None:
            await self._refreshing
        return self.processors

    async def look_again(self) -> None:
        """Read anew unless that was just done: somebody met a worker that is not known."""
        if time.monotonic() - self._read > JUST_NOW_S and self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh_once())
        if self._refreshing is not None:
            await self._refreshing

    async def announce(self, said: Announce) -> bool:
        """Write down what a worker says; answers whether its boot is a new one."""
        queues = sorted({info.queue for info in said.processors} | said.engines.keys())
        values = {
            "name": said.worker,
            "boot": said.boot_id,
            "slots": 0 if said.leaving else said.slots,
            "processors": [info.name for info in said.processors],
            "queues": queues,
        }
        async with self._database.transaction() as connection:
            before = await connection.scalar(_BOOT, {"name": said.worker})
            await connection.execute(_ANNOUNCE, values)
            for queue in queues:
                engine = {"queue": queue, "engine": said.engines.get(queue, POLARS)}
                await connection.execute(_ENGINE if queue in said.engines else _PLAIN, engine)
            for info in sorted(said.processors, key=lambda info: info.name):
                shown = {"name": info.name, "info": msgspec.json.encode(info).decode()}
                await connection.execute(_PROCESSOR, shown)
        await self.refresh()
        return before != said.boot_id

    async def _refresh_once(self) -> None:
        """One refresh for all who ask meanwhile; who finds the copy fresh enough does not wait."""
        try:
            with suppress(Unavailable):
                await self.refresh()
        finally:
            self._refreshing = None

    async def refresh(self) -> None:
        async with self._database.transaction() as connection:
            workers = (await connection.execute(_WORKERS, {"alive": self._alive_s})).all()
            processors = (await connection.execute(_PROCESSORS)).all()
            paused = (await connection.scalars(_PAUSED)).all()
            engines = {row.name: row.engine for row in await connection.execute(_ENGINES)}
            held = (await connection.execute(_HELD)).all()
        known = {row.name: msgspec.convert(row.info, ProcessorInfo) for row in processors}
        # plans are kept as long as this is the same mapping
        self.processors = self.processors if known == self.processors else known
        self.engines = self.engines if engines == self.engines else engines
        self.boots = {row.name: row.boot_id for row in workers}
        live = [row for row in workers if row.alive and row.slots > 0]
        self.live_processors = frozenset(name for row in live for name in row.processors)
        slots, workers = Counter[str](), Counter[str]()
        for row in live:
            slots.update(dict.fromkeys(row.queues, row.slots))
            workers.update(row.queues)
        self.slots, self.workers = dict(slots), dict(workers)
        self.paused = frozenset(paused)
        self.held = frozenset((row.tenant_id, row.queue) for row in held)
        self._read = time.monotonic()


_BOOT = text("select boot_id from workers where name = :name")
_ANNOUNCE = text("""
insert into workers (name, boot_id, slots, processors, queues, last_seen_at)
values (:name, :boot, :slots, :processors, :queues, clock_timestamp())
on conflict (name) do update set boot_id = excluded.boot_id, slots = excluded.slots,
    processors = excluded.processors, queues = excluded.queues,
    last_seen_at = excluded.last_seen_at
""")
_PROCESSOR = text("""
insert into processors (name, info, last_seen_at)
values (:name, cast(:info as jsonb), clock_timestamp())
on conflict (name) do update set info = excluded.info, last_seen_at = excluded.last_seen_at
""")
_WORKERS = text("""
select name, boot_id, slots, processors, queues,
    last_seen_at > clock_timestamp() - make_interval(secs => :alive) as alive
from workers
""")
_PROCESSORS = text("select name, info from processors")
_ENGINE = text("""
insert into queues (name, engine) values (:queue, :engine)
on conflict (name) do update set engine = excluded.engine where queues.engine <> excluded.engine
""")
_PLAIN = text("update queues set engine = :engine where name = :queue and engine <> :engine")
_ENGINES = text("select name, engine from queues where engine <> 'polars'")
_PAUSED = text("select name from queues where paused")
_HELD = text("select tenant_id, queue from queue_pauses")
