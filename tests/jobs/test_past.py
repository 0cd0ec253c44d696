"""A job of the past: which of its events are visible at a cursor, and what they had no room for."""

from collections.abc import AsyncGenerator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from litestar import Litestar
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import text

from tests.jobs.builders import (
    PROCESSORS,
    a_failure,
    a_job,
    a_report,
    begin,
    outputs_of,
    some_facts,
)
from tests.jobs.office import Office
from tidemill_contracts.catalogue import decode
from tidemill_contracts.fold import Fold
from tidemill_contracts.job_events import FailureKind, JobEvent
from tidemill_contracts.jobs import JobStatus, RetryJob, StepSpec
from tidemill_contracts.work import Failed, Succeeded
from tidemill_jobs import lifecycle, past, reports, rerun
from tidemill_jobs.past import CursorAhead, CursorMalformed, CursorUnsure, JobNotYet
from tidemill_jobs.records import JobRecord
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.rows import event_row
from tidemill_jobs.shown import public
from tidemill_kit.db import Database

PLACES = {1: (1, 5), 2: (1, 9), 3: (2, 3)}
SEEN = {
    "1.5": (JobStatus.QUEUED, 1),
    "1.8": (JobStatus.QUEUED, 1),
    "1.9": (JobStatus.RUNNING, 2),
    "1.999999999": (JobStatus.RUNNING, 2),
    "2.0": (JobStatus.RUNNING, 2),
    "2.3": (JobStatus.RUNNING, 3),
    "2.10": (JobStatus.RUNNING, 3),
}


class Placed(NamedTuple):
    """A job, and the repository of its tenant."""

    jobs: JobRepository
    job_id: UUID

    async def at(self, cursor: str) -> tuple[JobStatus, int]:
        app = Litestar()
        app.state.publisher = app.state.client = None
        found = await past.job_at(app, self.jobs, self.job_id, cursor)
        return found.status, found.seq


@pytest.fixture
async def placed(office: Office, database: Database) -> AsyncGenerator[Placed]:
    """A job that succeeded; its events lie in two epochs, and its last is not published yet."""
    draft = office.draft()
    await office.submit(draft)
    await office.run(await office.order())
    async with database.engine.connect() as connection:
        for seq, (epoch, place) in PLACES.items():
            values = {"epoch": epoch, "place": place, "key": draft.id, "seq": seq}
            await connection.execute(_PLACE, values)
        await connection.execute(_UNPLACE, {"key": draft.id})
        await connection.execute(text("update publisher set epoch = 2, position = 10"))
        await connection.execute(text("update log set epoch = 2"))
        yield Placed(JobRepository(connection, draft.tenant_id), draft.id)
        await connection.rollback()


@pytest.mark.parametrize("cursor", SEEN)
async def test_what_is_published_up_to_a_cursor_is_visible_there(
    placed: Placed, cursor: str
) -> None:
    found = await placed.at(cursor)

    assert found == SEEN[cursor]


@pytest.mark.parametrize(
    ("cursor", "refusal"),
    [
        ("1.4", JobNotYet),
        ("0.0", JobNotYet),
        ("2", CursorMalformed),
        ("3.1", CursorAhead),
        ("2.11", CursorUnsure),
    ],
)
async def test_a_cursor_outside_of_the_log_is_refused(
    placed: Placed, cursor: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await placed.at(cursor)


def told(job: JobRecord) -> Fold:
    """The fold of the job's events as they are stored."""
    found = [decode(event_row(event).body) for event in job.events]
    return Fold.of(event for event in found if isinstance(event, JobEvent))


def worked(job: JobRecord, value: Any = 1) -> JobRecord:
    while not job.status.is_final:
        (task,) = begin(job)
        said = a_report(task, Succeeded(), outputs=outputs_of(job, task, value))
        reports.report(job, said, some_facts())
    return job


def failed(traceback: str) -> JobRecord:
    job = a_job()
    (task,) = begin(job)
    error = replace(a_failure().error, traceback=traceback)
    ending = Failed(failure=FailureKind.DATA, error=error)
    reports.report(job, a_report(task, ending), some_facts())
    return job


def again(job: JobRecord, step: str) -> JobRecord:
    order = RetryJob(from_step=step)
    made = rerun.draft(job, order, PROCESSORS, created_by=None, queues={})
    lifecycle.submit(made, some_facts())
    return worked(made)


LARGE: dict[str, JobRecord] = {
    "parameters": a_job(StepSpec(processor="wait", params={"note": "y" * 300_000})),
    "labels": a_job(labels={f"{n:02}" + "\x01" * 61: "\x01" * 255 for n in range(32)}),
    "an input": worked(a_job(value="x" * 300_000)),
    "an output": worked(a_job(), "x" * 100_000),
    "a traceback": failed("\x01" * 60_000),
    "an output used again": again(worked(a_job("wait", "wait"), "x" * 99_000), "wait-2"),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_an_event_has_no_room_for_comes_out_of_the_row(name: str) -> None:
    job = LARGE[name]
    fold = told(job)

    found = past.completed(fold, public(job))

    assert found == public(job)


def test_a_value_that_is_not_the_one_that_was_told_of_is_not_taken() -> None:
    job = worked(a_job(), "x" * 100_000)
    fold = told(job)
    kept = job.steps[0].kept
    assert kept is not None
    job.steps[0].kept = replace(kept, value="y" * 100_000)

    found = past.completed(fold, public(job))

    assert found.result is not None
    assert found.result.value is UNSET


_PLACE = text(
    "update events set epoch = :epoch, stream_seq = :place where key = :key and seq = :seq"
)
_UNPLACE = text("update events set stream_seq = null where key = :key and seq > 3")
