"""Replay and live events make one sequence, however they interleave."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from tests.notifier.test_outbox import payload
from tidemill_contracts.catalogue import encode
from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobQueued
from tidemill_contracts.log import AskEvents, Cursor, RecordedEvent
from tidemill_contracts.log import History as Answer
from tidemill_kit.auth import Authenticator
from tidemill_notifier.archive import Trimmed
from tidemill_notifier.history import History
from tidemill_notifier.hub import Hub
from tidemill_notifier.outbox import Outbox
from tidemill_notifier.ring import Entry, Page
from tidemill_notifier.selection import Selection
from tidemill_notifier.sessions import Sessions
from tidemill_notifier.settings import NotifierSettings
from tidemill_notifier.subscriptions import Subscription

MINE, THEIRS = uuid7(), uuid7()
FOLLOWED, OTHER = uuid7(), uuid7()
SETTINGS = NotifierSettings(ring_events=6)

type Arrival = tuple[UUID, UUID]


class Log:
    """The whole log in a list: the stream has its end, the ring less; more arrives at each await.

    The hub is some events behind. It answers as the archive does, so a replay may begin anywhere.
    """

    def __init__(
        self,
        arrivals: list[list[Arrival]],
        *,
        first: int,
        lag: int,
        behind: int,
    ) -> None:
        self.entries: list[Entry] = []
        self._rows: list[tuple[JobQueued, Cursor]] = []
        self._arrivals: Iterator[list[Arrival]] = iter(arrivals)
        self._first = first
        self._lag = lag
        self.behind = behind
        self.quiet = False
        self.hub = Hub(
            SETTINGS, Sessions(Authenticator(SETTINGS), tenant_sockets=10, user_sockets=10)
        )
        self.hub.ring.reset(Cursor(1, 0))

    def append(self, arrivals: list[Arrival]) -> None:
        for tenant, job in arrivals:
            event = JobQueued(tenant_id=tenant, job_id=job, seq=len(self._rows) + 1)
            cursor = Cursor(1, len(self.entries) + 1)
            self.entries.append(Entry(cursor, event.subject, encode(event)))
            self._rows.append((event, cursor))
        for event, cursor in self._rows[self.hub.ring.head : len(self._rows) - self.behind]:
            self.hub.receive(cursor.position, event.subject, encode(event))

    async def happen(self) -> None:
        arrived = next(self._arrivals, None)
        self.quiet = arrived is None
        self.append(arrived or [])
        await asyncio.sleep(0)

    async def stored(self, selection: Selection, after: Cursor, limit: int) -> Page:
        if after.position + 1 < self._first:
            raise Trimmed
        await self.happen()
        found = [e for e in self.entries[after.position :] if e.tenant == selection.tenant][:limit]
        await self.happen()
        floor = self.hub.ring.floor
        below = [entry for entry in found if entry.cursor.position <= floor]
        upto = below[-1].cursor.position if below and len(below) == len(found) else floor
        return Page([entry for entry in below if selection.wants(entry)], upto)

    async def history(self, selection: Selection, after: Cursor) -> History:
        history = History(self._ask, selection, after)
        await history.open(await self.oldest())
        return history

    async def page(self, history: History, limit: int) -> list[Entry]:
        return await history.page(min(limit, 4))

    async def oldest(self) -> Cursor:
        return Cursor(1, min(self._first - 1, len(self.entries)))

    async def _ask(self, owner: str, request: AskEvents) -> Answer:
        """Whatever the lag, what has left the stream is recorded."""
        complete_to = max(len(self._rows) - self._lag, min(self._first - 1, len(self._rows)))
        await self.happen()
        rows = [row for row in self._rows if row[0].tenant_id == request.tenant_id]
        if request.key is not None:
            rows = [r for r in rows if r[0].key == request.key and r[0].seq > request.after_seq]
        elif request.after is not None:
            rows = [row for row in rows if row[1] > request.after and owner == "jobs"]
        items = [
            RecordedEvent(
                event.subject,
                Raw(encode(event)),
                cursor if cursor.position <= complete_to else None,
            )
            for event, cursor in rows[:5]
            if request.key is not None or cursor.position <= complete_to
        ]
        return Answer(items=items, complete_to=Cursor(1, complete_to))


class Line:
    """Takes every other frame only after a while, in which more happens."""

    def __init__(self, log: Log, frames: list[Any]) -> None:
        self._log, self._frames = log, frames
        self._free = False

    def offer(self, frame: bytes) -> bool:
        self._free = not self._free
        if self._free:
            self._frames.append(msgspec.json.decode(payload(frame)))
        return self._free

    async def drained(self) -> None:
        await self._log.happen()


def _full() -> None:
    raise AssertionError


async def received(log: Log, selection: Selection, since: Cursor, later: list[Arrival]) -> Any:
    """All frames that one subscription gets."""
    frames: list[Any] = []

    line = Line(log, frames)
    outbox = Outbox(
        line,
        max_frames=1_000,
        max_bytes=10_000_000,
        overflowed=_full,
        run=asyncio.create_task,
    )
    subscription = Subscription("s", selection, outbox, lambda _: None)
    subscription.cursor = since
    await subscription.catch_up(log.hub, log)
    log.behind = 0
    log.append(later)
    while not log.quiet:
        await outbox.send("s", b'{"op":"end"}')
        await log.happen()
    log.hub.reached  # noqa: B018 - hands out what waits
    await outbox.send("s", b'{"op":"end"}')
    return frames


arrivals = st.lists(
    st.tuples(st.sampled_from([MINE, THEIRS]), st.sampled_from([FOLLOWED, OTHER])),
    max_size=9,
)


@settings(deadline=None)
@given(
    before=st.lists(arrivals, max_size=5),
    during=st.lists(arrivals, max_size=12),
    later=arrivals,
    first=st.integers(1, 30),
    lag=st.integers(0, 12),
    since=st.integers(0, 40),
    behind=st.integers(0, 5),
    topics=st.sampled_from([["all"], [f"job.{FOLLOWED}"], ["all", f"job.{FOLLOWED}"]]),
)
def test_each_event_comes_exactly_once_and_in_order(
    before: list[list[Arrival]],
    during: list[list[Arrival]],
    later: list[Arrival],
    first: int,
    lag: int,
    since: int,
    behind: int,
    topics: list[str],
) -> None:
    log = Log(during, first=first, lag=lag, behind=behind)
    for some in before:
        log.append(some)
    start = Cursor(1, min(since, len(log.entries)))
    selection = Selection(Principal(uuid7(), MINE, Role.VIEWER, uuid7(), now()), topics)

    frames = asyncio.run(received(log, selection, start, later))

    found = [item["cursor"] for frame in frames for item in frame.get("items", [])]
    wanted = [str(e.cursor) for e in log.entries if e.cursor > start and selection.wants(e)]
    assert found == wanted
    ops = [frame["op"] for frame in frames]
    assert (ops[0], ops.count("live"), ops.count("subscribed")) == ("subscribed", 1, 1)
    assert "gap" not in ops
    border = ops.index("live")
    replays = [frame.get("replay", False) for frame in frames if frame["op"] == "events"]
    assert replays == sorted(replays, reverse=True)
    assert all(frame.get("replay", frame["op"] != "events") for frame in frames[:border])
