"""The ring: the newest events, contiguous, bounded by count and by bytes."""

import pytest

from tidemill_contracts.catalogue import encode
from tidemill_contracts.datasets import DatasetReady, Frame, Ingested
from tidemill_contracts.event import Event
from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobQueued
from tidemill_contracts.log import Cursor
from tidemill_notifier.ring import Entry, Ring
from tidemill_notifier.selection import Selection

TENANT = uuid7()


def queued(*, system: bool = False) -> JobQueued:
    return JobQueued(tenant_id=TENANT, seq=1, job_id=uuid7(), system=system)


def entry(position: int, event: Event | None = None) -> Entry:
    event = event or queued()
    return Entry(Cursor(1, position), event.subject, encode(event))


def everything() -> Selection:
    principal = Principal(uuid7(), TENANT, Role.VIEWER, uuid7(), now())
    return Selection(principal, ["all"])


def ring(*, max_events: int = 1_000, max_bytes: int = 1_000_000, filled: int = 0) -> Ring:
    made = Ring(max_events=max_events, max_bytes=max_bytes)
    made.reset(Cursor(1, 0))
    for position in range(1, filled + 1):
        made.append(entry(position))
    return made


def test_the_oldest_events_make_room_for_the_newest() -> None:
    kept = ring(max_events=3, filled=5)

    page = kept.page(kept.floor, everything(), 10)

    assert (kept.floor, kept.head) == (2, 5)
    assert [found.cursor.position for found in page.entries] == [3, 4, 5]


def test_events_are_bounded_by_their_bytes_too() -> None:
    size = len(entry(1).item)

    kept = ring(max_bytes=3 * size + 10, filled=20)

    assert kept.head - kept.floor == 3


def test_a_hole_is_refused() -> None:
    kept = ring(filled=2)

    with pytest.raises(ValueError, match="does not follow"):
        kept.append(entry(4))


def test_a_ring_covers_what_lies_behind_its_floor_in_its_epoch() -> None:
    kept = ring(max_events=3, filled=5)

    covered = [kept.covers(Cursor(epoch, position)) for epoch, position in _PLACES]

    assert covered == [False, True, True, True, False, False]


_PLACES = [(1, 1), (1, 2), (1, 5), (1, 9), (0, 4), (2, 3)]


def test_a_page_ends_at_its_limit_and_says_how_far_it_looked() -> None:
    kept = ring(filled=10)

    page = kept.page(2, everything(), 3)

    assert page.upto == 5
    assert len(page.entries) == 3


def test_an_entry_carries_the_event_as_it_was_published() -> None:
    event = queued()

    made = entry(7, event)

    assert made.body == encode(event)
    assert made.item == b'{"cursor":"1.7","event":' + encode(event) + b"}"


def test_an_entry_knows_its_topic_type_and_tenant() -> None:
    event = queued(system=True)

    made = entry(7, event)

    assert (made.topic, made.type) == (f"job.{event.job_id}", "job.queued")
    assert (made.tenant, made.system) == (TENANT.hex, True)


def test_an_event_of_a_dataset_that_names_a_job_is_the_datasets() -> None:
    event = DatasetReady(
        tenant_id=TENANT,
        seq=3,
        dataset_id=uuid7(),
        frame=Frame([], 0),
        ingested=Ingested(format="csv", rows=0, columns=[]),
        job_id=uuid7(),
    )

    assert entry(1, event).topic == f"dataset.{event.dataset_id}"
