"""The catalogue: every event has a place on the bus and an owner."""

import re

import msgspec
import pytest

from tests.builders import a, an_id
from tidemill_contracts.catalogue import OWNED, decode, event_types, owner_of
from tidemill_contracts.event import Event
from tidemill_contracts.job_events import JobSucceeded

SUBJECT = re.compile(r"^tm\.event\.[0-9a-f]{32}\.[a-z_]+\.[a-z_]+$")
every_event = pytest.mark.parametrize("kind", event_types().values(), ids=event_types())


@every_event
def test_an_event_has_a_subject_without_ids(kind: type[Event]) -> None:
    event = a(kind)

    assert SUBJECT.match(event.subject)
    assert event.subject.endswith(event.type)
    assert an_id("tenant_id").hex in event.subject


@every_event
def test_an_event_is_about_one_thing(kind: type[Event]) -> None:
    event = a(kind)

    assert event.key == getattr(event, f"{event.type.partition('.')[0]}_id")


@every_event
def test_an_event_has_one_owner(kind: type[Event]) -> None:
    event_type = a(kind).type

    assert owner_of(event_type) in OWNED


def test_the_events_of_system_jobs_have_subjects_of_their_own() -> None:
    assert a(JobSucceeded, system=True).subject == a(JobSucceeded).subject + ".system"


def test_a_type_of_a_later_version_is_skipped() -> None:
    assert decode(b'{"type": "job.teleported", "seq": 1}') is None


@pytest.mark.parametrize("body", [b'{"type": "job.queued"}', b'{"type": "job.queued", "seq": "x"}'])
def test_a_damaged_event_is_no_unknown_one(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(body)
