"""The stream at full size; the names are all that is said here."""

from typing import Any

import pytest

from tests.e2e.conftest import ann
from tests.e2e.test_races import test_what_was_read_and_what_follows_make_one_history
from tests.faults.test_storms import (
    audience,
    test_a_crowd_comes_back_at_once_and_memory_stays_bounded,
)
from tests.faults.test_transcripts import (
    test_notifiers_take_turns_with_a_client_and_leave_no_hole,
    test_three_accounts_of_a_troubled_hour_are_equal,
)

__all__ = [
    "ann",
    "audience",
    "test_a_crowd_comes_back_at_once_and_memory_stays_bounded",
    "test_notifiers_take_turns_with_a_client_and_leave_no_hole",
    "test_three_accounts_of_a_troubled_hour_are_equal",
    "test_what_was_read_and_what_follows_make_one_history",
]


@pytest.fixture(scope="session")
def share(request: pytest.FixtureRequest) -> float:
    found: Any = request.config.getoption("--share")
    return float(found)


@pytest.fixture(scope="session")
def races(share: float) -> int:
    return round(1_000 * share)


@pytest.fixture(scope="session")
def events(share: float) -> int:
    return round(100_000 * share)


@pytest.fixture(scope="session")
def sockets(share: float) -> int:
    return round(200 * share)


@pytest.fixture(scope="session")
def crowd_size(share: float) -> tuple[int, int]:
    return round(5_000 * share), round(1_000 * share)
