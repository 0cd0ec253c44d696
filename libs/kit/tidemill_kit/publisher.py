"""The publisher: a service's recorded events into EVENTS, in order, one holder at a time.

The events table is the outbox: a row without a position is unpublished. Only the holder of the
lease row publishes, one publish in flight; replicas each publishing their own would mix up the
order of a job's events. A new holder first reads from the stream what an earlier one published
without recording it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

import asyncpg
import structlog
from nats.aio.client import Client

from tidemill_contracts.catalogue import OWNED
from tidemill_contracts.ids import uuid7
from tidemill_contracts.log import AskEpoch, Cursor, Epoch
from tidemill_kit import streams
from tidemill_kit.bus import BusAway, RequestRefused, call
from tidemill_kit.streams import EVENTS, MAX_BATCH, MAX_BATCH_BYTES, Entry, StreamRefused

log = structlog.get_logger()
type AskForEpoch = Callable[[AskEpoch], Awaitable[Epoch]]

LEASE_S = 5.0
RENEW_S = 2.0
ONE_BY_ONE = 6
NUDGE = "tm.control.publish"
NEW_EPOCH = "tm.control.epoch"
_TROUBLE = (StreamRefused, BusAway, RequestRefused, asyncpg.PostgresError, OSError, TimeoutError)
# asyncpg says InternalClientError where a connection ends in the middle of a statement
_TROUBLE_TOO = (asyncpg.InterfaceError, asyncpg.InternalClientError)


class StoreLost(StreamRefused):
    """The stream gave out a position that it had given out before."""


class Publisher:
    """Publishes what its service recorded; `head` is the newest position it knows of."""

    def __init__(
        self,
        database_url: str,
        service: str,
        client: Client,
        *,
        ask_epoch: AskForEpoch | None = None,
    ) -> None:
        self.recorded = asyncio.Event()
        self.head = Cursor(0, 0)
        self._url = database_url
        self._service = service
        self._client = client
        self._ask_epoch = ask_epoch or self._ask_jobs
        self._me = uuid7()
        self._fence = 0
        self._until = float("-inf")
        self._agreed = False

    async def run(self) -> None:
        """Publish until cancelled; trouble with NATS or PostgreSQL only delays."""
        await self._client.subscribe(NUDGE, cb=self._nudged)
        await self._client.subscribe(NEW_EPOCH, cb=self._renewed)
        while True:
            try:
                connection = await _connect(self._url, self._service)
            except (OSError, asyncpg.PostgresError, *_TROUBLE_TOO, TimeoutError):
                await asyncio.sleep(RENEW_S)
                continue
            try:
                await self._work(connection)
            except (*_TROUBLE, *_TROUBLE_TOO) as error:
                log.warning("publisher.delayed", reason=f"{type(error).__name__}: {error}"[:300])
                self._agreed = False
                await asyncio.sleep(0.5)
            finally:
                try:
                    with suppress(*_TROUBLE, *_TROUBLE_TOO):
                        await self._release(connection)
                finally:
                    connection.terminate()

    def reconnected(self) -> None:
        """Ask for the epoch again before the next publish: the store may be another one."""
        self._agreed = False
        self.recorded.set()

    async def _work(self, connection: asyncpg.Connection) -> None:
        while True:
            self.recorded.clear()
            if await self._hold(connection):
                if not self._agreed:
                    await self._agree(connection)
                while await self._publish_some(connection):
                    pass
            with suppress(TimeoutError):
                await asyncio.wait_for(self.recorded.wait(), RENEW_S / 2)
                if not self._held():
                    await self._client.publish(NUDGE, self._service.encode())

    def _held(self) -> bool:
        return time.monotonic() < self._until

    async def _hold(self, connection: asyncpg.Connection) -> bool:
        """Take or renew the lease; PostgreSQL's clock decides, ours only gives up earlier."""
        if time.monotonic() < self._until - LEASE_S + RENEW_S:
            return True
        asked = time.monotonic()
        row = await connection.fetchrow(_TAKE, self._me, LEASE_S)
        if row is None:
            self._until, self._agreed = float("-inf"), False
            self.head = max(self.head, await _recorded(connection))
            return False
        self._until = asked + LEASE_S
        if row["fence"] != self._fence:
            self._fence, self._agreed = row["fence"], False
        return True

    async def _release(self, connection: asyncpg.Connection) -> None:
        self._until = float("-inf")
        await connection.execute(
            "update publisher set until = '-infinity' where holder = $1",
            self._me,
        )

    async def _agree(self, connection: asyncpg.Connection) -> None:
        """Learn the epoch and record what is in the stream already."""
        recorded = await _recorded(connection)
        answer = await self._ask_epoch(AskEpoch(asker=self._service, last_recorded=recorded))
        if answer.epoch != recorded.epoch:
            recorded = self.head = Cursor(answer.epoch, 0)
            await self._record(connection, [], [])
        self.head = recorded
        for context in OWNED[self._service]:
            await self._recover(connection, f"tm.event.*.{context}.>", recorded)
        self._agreed = True

    async def _recover(
        self,
        connection: asyncpg.Connection,
        subjects: str,
        recorded: Cursor,
    ) -> None:
        start = recorded.position + 1
        while found := await streams.read(self._client, EVENTS, start, subjects=subjects):
            start = found[-1].sequence + 1
            ids = [UUID(hex=item.message_id) for item in found if item.message_id]
            positions = [item.sequence for item in found if item.message_id]
            await connection.execute(_PLACE_BY_ID, ids, positions, recorded.epoch)
            self.head = max(self.head, Cursor(recorded.epoch, found[-1].sequence))

    async def _publish_some(self, connection: asyncpg.Connection) -> bool:
        """Publish the next unpublished events; answers whether there may be more."""
        if not await self._hold(connection) or not self._agreed:
            return False
        self.recorded.clear()
        rows = await connection.fetch(_UNPUBLISHED, MAX_BATCH)
        # this process may have stood still since it asked
        if not rows or not self._held():
            return False
        taken = _within_limits(rows)
        entries = [_entry(self._service, row) for row in taken]
        positions = await self._send(entries)
        await self._record(connection, taken, positions)
        return len(taken) < len(rows) or len(rows) == MAX_BATCH or self.recorded.is_set()

    async def _send(self, entries: list[Entry]) -> list[int]:
        if len(entries) > ONE_BY_ONE:
            try:
                end = await streams.publish_batch(self._client, EVENTS, entries)
            except StreamRefused as error:
                if not error.one_by_one:
                    raise
            else:
                first = end - len(entries) + 1
                self._check(streams.Placed(first), end)
                return list(range(first, end + 1))
        positions: list[int] = []
        for entry in entries:
            placed = await streams.publish(self._client, EVENTS, entry)
            self._check(placed, placed.sequence)
            positions.append(placed.sequence)
        return positions

    def _check(self, first: streams.Placed, end: int) -> None:
        if not self._held() or not self._agreed:
            raise StreamRefused("the lease ended or the store changed in mid publish")
        if not first.duplicate and first.sequence <= self.head.position:
            raise StoreLost(f"position {first.sequence} after {self.head.position}")
        self.head = Cursor(self.head.epoch, max(self.head.position, end))

    async def _record(
        self,
        connection: asyncpg.Connection,
        rows: Sequence[asyncpg.Record],
        positions: list[int],
    ) -> None:
        """Write down where events are; the head moves in the same statement."""
        keys, seqs = [row["key"] for row in rows], [row["seq"] for row in rows]
        head = self.head.epoch, max(positions, default=0), self._me, self._fence
        if await connection.fetchval(_RECORD, *head, keys, seqs, positions) is None:
            raise StreamRefused("another holder took over")

    async def _ask_jobs(self, request: AskEpoch) -> Epoch:
        return await call(self._client, "tm.rpc.jobs.epoch", request, Epoch)

    async def _nudged(self, message: object) -> None:
        del message
        self.recorded.set()

    async def _renewed(self, message: object) -> None:
        del message
        self.reconnected()


async def _connect(database_url: str, service: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        database_url,
        timeout=3,
        command_timeout=10,
        server_settings={
            "search_path": service,
            "application_name": f"tidemill-{service}-publisher",
            # events are found by their keys: a plan made while the table was small would scan it
            "enable_seqscan": "off",
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
            "jit": "off",
            "plan_cache_mode": "force_generic_plan",
        },
    )


async def _recorded(connection: asyncpg.Connection) -> Cursor:
    row = await connection.fetchrow("select epoch, position from publisher")
    assert row is not None  # noqa: S101 - the migration wrote the one row there is
    return Cursor(row["epoch"], row["position"])


def _within_limits(rows: Sequence[asyncpg.Record]) -> Sequence[asyncpg.Record]:
    size = 0
    for number, row in enumerate(rows):
        size += len(row["body"])
        if size > MAX_BATCH_BYTES:
            return rows[: max(number, 1)]
    return rows


def _entry(service: str, row: asyncpg.Record) -> Entry:
    event_id = row["id"].hex
    headers = {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-type": row["type"],
        "ce-source": f"/tidemill/{service}",
    }
    return Entry(row["subject"], event_id, row["body"], headers)


_TAKE = """
update publisher
set holder = $1, until = clock_timestamp() + make_interval(secs => $2),
    fence = fence + (holder is distinct from $1 or until < clock_timestamp())::int
where holder = $1 or until < clock_timestamp()
returning fence
"""
_UNPUBLISHED = """
select id, key, seq, type, subject, body from events
where stream_seq is null order by key, seq limit $1
"""
_PLACE_BY_ID = """
update events set epoch = $3, stream_seq = placed.position
from unnest($1::uuid[], $2::bigint[]) placed (id, position)
where events.id = placed.id and events.stream_seq is null
"""
_RECORD = """
with moved as (
    update publisher
    set position = case when epoch = $1 then greatest(position, $2) else $2 end, epoch = $1
    where holder = $3 and fence = $4 returning position
), placed as (
    update events set epoch = $1, stream_seq = placed.position
    from moved, unnest($5::uuid[], $6::int[], $7::bigint[]) placed (key, seq, position)
    where events.key = placed.key and events.seq = placed.seq
)
select position from moved
"""
