"""Events are at most 64 KiB, whatever the job holds."""

from typing import Any

import pytest

from tests.jobs.builders import a_failure, a_job, a_report, begin, some_facts
from tidemill_contracts.catalogue import decode
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, StepSpec
from tidemill_contracts.work import Failed, Payload, StepOutput, Succeeded
from tidemill_jobs import reports
from tidemill_jobs.records import JobRecord
from tidemill_jobs.rows import event_row


def check_sizes(job: JobRecord) -> None:
    rows = [event_row(event) for event in job.events]

    assert max(len(row.body) for row in rows) <= MAX_EVENT_BYTES
    assert [decode(row.body) is not None for row in rows] == [True] * len(rows)


@pytest.mark.parametrize(
    "given",
    [
        {"value": "x" * 300_000},
        {"labels": {f"{n:02}" + "\x01" * 61: "\x01" * 255 for n in range(32)}},
    ],
    ids=["value", "labels"],
)
def test_a_submit_fits(given: dict[str, Any]) -> None:
    job = a_job(StepSpec(processor="wait", params={"note": "y" * 300_000}), **given)

    check_sizes(job)


def test_a_submit_of_fifty_steps_that_need_each_other_fits() -> None:
    names = [f"{n:02}-" + "n" * 60 for n in range(50)]
    specs = [
        StepSpec(processor="wait", name=name, needs=names[:number])
        for number, name in enumerate(names)
    ]
    job = a_job(*specs)

    check_sizes(job)


@pytest.mark.parametrize("value", ["x" * 300_000, ["ü"] * 60_000, {"k": {"d": "\x01" * 50_000}}])
def test_an_output_fits(value: Any) -> None:
    job = a_job()
    (task,) = begin(job)
    output = StepOutput(step="wait", payload=Payload(value=value))

    reports.report(job, a_report(task, Succeeded(), outputs=[output]), some_facts())

    check_sizes(job)


@pytest.mark.parametrize("kind", [FailureKind.DATA, FailureKind.TRANSIENT])
@pytest.mark.parametrize("part", ["message", "traceback"])
def test_a_failure_fits(kind: FailureKind, part: str) -> None:
    job = a_job()
    (task,) = begin(job)
    words: dict[str, Any] = {"code": "broken", "message": "m"} | {part: "\x01" * 100_000}

    reports.report(job, a_report(task, Failed(failure=kind, error=JobError(**words))), some_facts())

    check_sizes(job)


def test_a_small_event_is_left_as_it_is() -> None:
    job = a_job(value={"x": 1}, labels={"a": "b"})
    (task,) = begin(job)
    reports.report(job, a_report(task, a_failure()), some_facts())

    rows = [event_row(event) for event in job.events]

    assert [decode(row.body) for row in rows] == job.events
