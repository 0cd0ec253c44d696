"""What a subscription makes of frames."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tidemill_client.problems import Misread, StreamRefused
from tidemill_client.subscription import Received, Subscription, read_frame
from tidemill_contracts import stream
from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import JobQueued
from tidemill_contracts.jobs import Progress
from tidemill_contracts.pages import StreamedEvent

JOB = uuid7()


def queued(seq: int, job_id: UUID = JOB) -> dict[str, Any]:
    event = JobQueued(tenant_id=uuid7(), job_id=job_id, seq=seq)
    return msgspec.json.decode(msgspec.json.encode(event))


def events(*items: tuple[str, dict[str, Any]], replay: bool = False) -> stream.Events:
    return stream.Events("s", [StreamedEvent(cursor, body) for cursor, body in items], replay)


def seqs(items: list[Any]) -> list[int]:
    return [item.event.seq for item in items if isinstance(item, Received)]


def test_events_come_typed_with_their_cursor_and_whole_body() -> None:
    body = queued(1) | {"field_of_a_later_version": 1}

    items = Subscription(["all"]).take(events(("1.7", body), replay=True))

    assert len(items) == 1
    assert isinstance(items[0], Received)
    assert isinstance(items[0].event, JobQueued)
    assert (items[0].cursor, items[0].replay) == ("1.7", True)
    assert items[0].body == body


def test_an_event_that_comes_again_is_left_out() -> None:
    subscription = Subscription(["all"])

    first = subscription.take(events(("1.1", queued(1)), ("1.2", queued(2))))
    again = subscription.take(events(("2.1", queued(1)), ("2.2", queued(2)), ("2.3", queued(3))))

    assert seqs(first) == [1, 2]
    assert seqs(again) == [3]


def test_each_thing_has_numbers_of_its_own() -> None:
    other = uuid7()

    items = Subscription(["all"]).take(events(("1.1", queued(1)), ("1.2", queued(1, other))))

    assert [item.event.key for item in items if isinstance(item, Received)] == [JOB, other]


def test_an_event_of_an_unknown_type_is_passed_over_but_counts_for_the_place() -> None:
    subscription = Subscription(["all"], since="start")

    items = subscription.take(events(("1.9", {"type": "moon.eclipsed", "seq": 1})))

    assert items == []
    assert subscription.join().since == "1.9"


@pytest.mark.parametrize(
    ("frame", "since"),
    [
        (events(("1.5", queued(1))), "1.5"),
        (stream.Live("s", "1.8"), "1.8"),
        (stream.Gap("s", "history_away", "1.11"), "1.11"),
    ],
)
def test_a_new_socket_goes_on_where_the_last_one_ended(
    frame: stream.ServerFrame, since: str
) -> None:
    subscription = Subscription(["all"], since="start")

    subscription.take(frame)

    assert subscription.join().since == since


def test_the_first_socket_asks_for_what_was_asked() -> None:
    subscription = Subscription(["all"], types=["job.failed"], since="now")
    subscription.take(stream.Ready(1, "1.40"))

    order = subscription.join()

    assert (order.topics, order.types, order.since) == (["all"], ["job.failed"], "now")


def test_a_socket_that_ends_before_its_first_event_loses_nothing() -> None:
    subscription = Subscription(["all"], since="now")
    subscription.take(stream.Ready(1, "1.40"))
    subscription.join()

    subscription.take(stream.Ready(1, "1.55"))

    assert subscription.join().since == "1.40"


def test_a_gap_is_told() -> None:
    gap = stream.Gap("s", "history_away", "1.11")

    items = Subscription(["all"]).take(gap)

    assert items == [gap]


def test_progress_is_passed_on() -> None:
    progress = Progress(job_id=JOB, step="wait", attempt=1, done=1, at=datetime.now(UTC))

    items = Subscription(["all"]).take(stream.Progressed("s", JOB, progress))

    assert items == [stream.Progressed("s", JOB, progress)]


def test_a_refusal_of_the_stream_is_an_error_with_its_code() -> None:
    frame = stream.StreamError("not_found", "There is no such job.", "s")

    with pytest.raises(StreamRefused) as refused:
        Subscription([f"job.{JOB}"]).take(frame)

    assert refused.value.code == "not_found"


def test_what_is_remembered_of_seen_events_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidemill_client.subscription.KNOWN_KEYS", 2)
    subscription = Subscription(["all"])

    keys = [uuid7() for _ in range(3)]
    for key in keys:
        subscription.take(events(("1.1", queued(1, key))))

    assert seqs(subscription.take(events(("1.2", queued(1, keys[2]))))) == []
    assert seqs(subscription.take(events(("1.2", queued(1, keys[0]))))) == [1]


def test_a_frame_of_a_later_version_is_passed_over() -> None:
    frames = [read_frame(text) for text in ('{"op":"applause"}', '{"op":"heartbeat","head":"1.2"}')]

    assert frames == [None, stream.Heartbeat("1.2")]


def test_a_known_frame_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(Misread, match="head"):
        read_frame('{"op":"heartbeat"}')
