"""How long a client waits before another try."""

import pytest

from tidemill_client import pace


@pytest.mark.parametrize(("failures", "longest"), [(0, 0.5), (1, 1.0), (5, 16.0), (6, 30.0)])
def test_each_failure_doubles_the_longest_wait_up_to_thirty_seconds(
    failures: int, longest: float
) -> None:
    wait_s = pace.delay(failures, draw=1.0)

    assert wait_s == longest


def test_many_failures_do_not_make_the_wait_endless() -> None:
    wait_s = pace.delay(1_000_000, draw=1.0)

    assert wait_s == pace.LONGEST_S


def test_the_wait_is_drawn_from_all_of_its_range() -> None:
    waits = [pace.delay(3) for _ in range(2_000)]

    assert min(waits) < 0.1
    assert 3.9 < max(waits) <= 4.0
