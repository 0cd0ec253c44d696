"""Where a program that follows the stream keeps its place."""

from pathlib import Path

import pytest

from tests.client.test_subscription import events, queued
from tidemill_client import pace
from tidemill_client.offsets import FileOffsets
from tidemill_client.subscription import Subscription
from tidemill_contracts import stream


def test_a_place_is_there_in_the_next_life(tmp_path: Path) -> None:
    path = tmp_path / "state" / "feed.cursor"

    before = FileOffsets(path).load()
    FileOffsets(path).save("1.40")

    assert before is None
    assert FileOffsets(path).load() == "1.40"
    assert [each.name for each in path.parent.iterdir()] == ["feed.cursor"]


def test_a_place_is_written_only_where_it_moved(tmp_path: Path) -> None:
    offsets = FileOffsets(tmp_path / "cursor")
    offsets.save("1.1")
    written = offsets.path.stat().st_ino

    offsets.save("1.1")

    assert offsets.path.stat().st_ino == written


def test_a_heartbeat_moves_the_place_of_what_is_live() -> None:
    subscription = Subscription(["all"], since="start")

    subscription.take(events(("1.3", queued(1)), replay=True))
    subscription.take(stream.Heartbeat("1.9"))
    behind = subscription.place
    subscription.take(stream.Live("s", "1.10"))
    subscription.take(stream.Heartbeat("1.12"))
    live = subscription.place
    again = subscription.join()
    subscription.take(stream.Heartbeat("1.20"))

    assert (behind, live, again.since, subscription.place) == ("1.3", "1.12", "1.12", "1.12")


@pytest.mark.parametrize(("failures", "longest"), [(0, 3.0), (2, 3.0), (4, 8.0)])
def test_those_whom_a_restart_cut_off_come_back_one_by_one(failures: int, longest: float) -> None:
    assert pace.delay(failures, restarted=True, draw=1.0) == longest
    assert pace.delay(0, draw=1.0) == 0.5
