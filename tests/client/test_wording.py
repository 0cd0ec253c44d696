"""What people read."""

from typing import Any
from uuid import uuid4

import pytest

from tidemill_client import wording
from tidemill_contracts.event import Event
from tidemill_contracts.ids import now
from tidemill_contracts.job_events import JobFailed, JobStepSucceeded, JobSubmitted, JobSucceeded
from tidemill_contracts.jobs import JobError, Progress, Result, Step

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


@pytest.mark.parametrize(
    ("done", "total", "unit", "words"),
    [
        (8 << 20, 16 << 20, "bytes", "s: 8.0 MiB of 16.0 MiB"),
        (1 << 10, None, "bytes", "s: 1.0 KiB"),
        (1_500_000, 3_000_000, "rows", "s: 1,500,000 of 3,000,000 rows"),
        (0.5, 1, "", "s: 0.5 of 1"),
    ],
)
def test_progress_is_told_in_numbers_that_can_be_read(
    done: float, total: float | None, unit: str, words: str
) -> None:
    told = Progress(
        job_id=uuid4(), step="s", attempt=1, done=done, total=total, unit=unit, at=now()
    )

    assert wording.progress(told) == words


def test_a_long_value_is_cut() -> None:
    words = wording.outcome(Result(value="x" * 500))

    assert len(words) == wording.SHORT + 2
    assert words.endswith("…")
