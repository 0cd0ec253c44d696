"""What people read."""

from typing import Any
from uuid import uuid4

import pytest

from tidemill_client import wording
from tidemill_contracts.event import Event
from tidemill_contracts.job_events import JobFailed, JobStepSucceeded, JobSubmitted, JobSucceeded
from tidemill_contracts.jobs import JobError, Result, Step

ABOUT: dict[str, Any] = {"tenant_id": uuid4(), "job_id": uuid4(), "seq": 1}
STEPS = [Step(name="add", processor="add"), Step(name="multiply", processor="multiply")]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (JobSubmitted(**ABOUT, steps=STEPS), "add → multiply"),
        (JobStepSucceeded(**ABOUT, step="add", attempt=1, result=Result(value=15)), "add = 15"),
        (JobStepSucceeded(**ABOUT, step="add", attempt=1), "add"),
        (JobSucceeded(**ABOUT, attempt=1, result=Result(rows=7, columns=2)), "7 rows, 2 columns"),
        (
            JobFailed(**ABOUT, attempt=1, error=JobError(code="data", message="no column x")),
            "data: no column x",
        ),
    ],
)
def test_an_event_in_a_few_words(event: Event, words: str) -> None:
    assert wording.describe(event) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (1 << 30, "1.0 GiB"),
        (1 << 50, "1024.0 TiB"),
    ],
)
def test_a_size_in_the_unit_that_reads_best(count: int, words: str) -> None:
    assert wording.size(count) == words


def test_a_long_value_is_cut() -> None:
    words = wording.outcome(Result(value="x" * 500))

    assert len(words) == wording.SHORT + 2
    assert words.endswith("…")
