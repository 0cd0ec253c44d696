"""The pages under 1,500 jobs, at the frames that are promised; the names are all that is said."""

import pytest

from tests.browser.conftest import browser, page, visitor
from tests.browser.test_frames import (
    test_hundreds_of_jobs_cost_a_page_no_request_each_and_few_frames,
)

__all__ = [
    "browser",
    "page",
    "test_hundreds_of_jobs_cost_a_page_no_request_each_and_few_frames",
    "visitor",
]


@pytest.fixture(scope="session")
def rounds() -> int:
    return 10


@pytest.fixture(scope="session")
def least_frames() -> float:
    return 30.0
