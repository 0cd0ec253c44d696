"""The stream at full size; the names are all that is said here."""

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
def races() -> int:
    return 1_000


@pytest.fixture(scope="session")
def events() -> int:
    return 100_000


@pytest.fixture(scope="session")
def sockets() -> int:
    return 200


@pytest.fixture(scope="session")
def crowd_size() -> tuple[int, int]:
    return 5_000, 1_000
