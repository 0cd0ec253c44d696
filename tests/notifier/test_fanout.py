"""The fan-out: who gets which event, encoded how often."""

from typing import Any
from uuid import UUID

import pytest

from tidemill_contracts.catalogue import encode
from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobQueued, JobStarted
from tidemill_contracts.log import Cursor
from tidemill_notifier.fanout import Batch, Fanout
from tidemill_notifier.ring import Entry
from tidemill_notifier.selection import Selection

MINE, THEIRS = uuid7(), uuid7()
JOB = uuid7()


class Reader:
    """Follows a selection and keeps what it is given."""

    def __init__(
        self, *topics: str, name: str = "s", tenant: UUID = MINE, types: Any = None
    ) -> None:
        principal = Principal(uuid7(), tenant, Role.VIEWER, uuid7(), now())
        self.name = name
        self.selection = Selection(principal, topics or ["all"], types)
        self.batches: list[Batch] = []

    @property
    def positions(self) -> list[int]:
        """Of each event the place in the log, as its item says it."""
        items = [item for batch in self.batches for item in batch.items]
        return [int(item.split(b'"', 4)[3].partition(b".")[2]) for item in items]

    def take(self, batch: Batch) -> None:
        self.batches.append(batch)

    def progressed(self, job_id: str, progress: bytes) -> None:
        raise NotImplementedError

    def said(self, job_id: str, lines: Any) -> None:
        raise NotImplementedError

    def restart(self, behind: Cursor) -> None:
        raise NotImplementedError


def queued(position: int, *, tenant: UUID = MINE, job: UUID = JOB, size: int = 0) -> Entry:
    event = JobQueued(tenant_id=tenant, job_id=job, seq=1)
    return Entry(Cursor(1, position), event.subject, encode(event) + b" " * size)


@pytest.fixture
async def fanout() -> Fanout:
    return Fanout()


async def test_what_came_in_one_turn_goes_out_in_one_frame_that_equals_share(
    fanout: Fanout,
) -> None:
    ann, bob = Reader(), Reader()
    fanout.join(ann)
    fanout.join(bob)

    for position in (1, 2, 3):
        fanout.pass_on(queued(position))
    fanout.flush()

    assert ann.positions == bob.positions == [1, 2, 3]
    assert len(ann.batches) == 1
    assert ann.batches[0].frame is bob.batches[0].frame


async def test_another_name_or_tenant_shares_nothing(fanout: Fanout) -> None:
    ann, named, foreign = Reader(), Reader(name="t"), Reader(tenant=THEIRS)
    for reader in (ann, named, foreign):
        fanout.join(reader)

    fanout.pass_on(queued(1))
    fanout.pass_on(queued(2, tenant=THEIRS))
    fanout.flush()

    assert (ann.positions, named.positions, foreign.positions) == ([1], [1], [2])
    assert b'"id":"t"' in named.batches[0].frame
    assert ann.batches[0] is not named.batches[0]


async def test_who_joins_gets_nothing_that_was_waiting(fanout: Fanout) -> None:
    early, late = Reader(), Reader()
    fanout.join(early)
    fanout.pass_on(queued(1))

    fanout.join(late)
    fanout.pass_on(queued(2))
    fanout.flush()

    assert (early.positions, late.positions) == ([1, 2], [2])


async def test_an_event_of_two_topics_comes_once(fanout: Fanout) -> None:
    reader = Reader("all", f"job.{JOB}")
    fanout.join(reader)

    fanout.pass_on(queued(1))
    fanout.pass_on(queued(2, job=uuid7()))
    fanout.flush()

    assert reader.positions == [1, 2]


async def test_types_are_chosen(fanout: Fanout) -> None:
    reader = Reader(types=["job.started"])
    fanout.join(reader)
    started = JobStarted(tenant_id=MINE, job_id=JOB, seq=2, attempt=1, worker="w", steps=["s"])

    fanout.pass_on(queued(1))
    fanout.pass_on(Entry(Cursor(1, 2), started.subject, encode(started)))
    fanout.flush()

    assert reader.positions == [2]


async def test_much_goes_out_before_the_turn_ends_and_says_so(fanout: Fanout) -> None:
    reader = Reader()
    fanout.join(reader)

    enough = [fanout.pass_on(queued(position, size=30_000)) for position in range(1, 11)]

    assert enough.count(True) == 2
    assert reader.positions == list(range(1, 11))
    assert all(len(batch.frame) < 512 * 1024 for batch in reader.batches)


async def test_who_has_left_gets_nothing_and_leaves_nothing_behind(fanout: Fanout) -> None:
    gone, stays = Reader(), Reader("all", f"job.{JOB}")
    fanout.join(gone)
    fanout.join(stays)
    fanout.pass_on(queued(1))

    fanout.leave(gone)
    fanout.leave(gone)
    fanout.flush()
    fanout.leave(stays)

    assert (gone.positions, stays.positions) == ([], [1])
    assert fanout.everybody() == fanout.of_topic(MINE.hex, f"job.{JOB}") == []
