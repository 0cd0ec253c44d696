"""Jobs of one step that the system runs for itself: ingest, adopt, export."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from tidemill_contracts.datasets import Frame, Source
from tidemill_contracts.ids import moment_of, uuid7
from tidemill_contracts.jobs import JobStatus
from tidemill_contracts.work import Payload
from tidemill_jobs.records import JobRecord, StepRecord, TaskRecord, TaskStatus

type Build = Callable[[], JobRecord]

QUEUE = "default"


def ingest_job(
    job_id: UUID,
    tenant_id: UUID,
    dataset_id: UUID,
    source: Source,
    options: dict[str, Any],
) -> Build:
    """Make a dataset of uploaded bytes."""
    step = StepRecord(name="ingest", processor="ingest", params=options)
    return _errand(job_id, tenant_id, step, Payload(source=source), dataset_id=dataset_id)


def adopt_job(
    job_id: UUID,
    tenant_id: UUID,
    dataset_id: UUID,
    origin_job: UUID,
    frame: Frame | None,
) -> Build:
    """Make a dataset of a frame that a job gave, whose objects must stay until then."""
    step, given = StepRecord(name="adopt", processor="adopt"), Payload(frame=frame)
    borrowed = [origin_job]
    return _errand(job_id, tenant_id, step, given, dataset_id=dataset_id, borrows=borrowed)


def export_job(job_id: UUID, tenant_id: UUID, frame: Frame, params: dict[str, Any]) -> Build:
    """Write a frame into one file."""
    step = StepRecord(name="export", processor="export", params=params)
    return _errand(job_id, tenant_id, step, Payload(frame=frame))


def _errand(
    job_id: UUID,
    tenant_id: UUID,
    step: StepRecord,
    given: Payload,
    **more: Any,
) -> Build:
    """A function that makes the record of a job of one step that the system runs for itself."""
    created, task_id = moment_of(job_id), uuid7()

    def build() -> JobRecord:
        task = TaskRecord(
            id=task_id,
            job_id=job_id,
            tenant_id=tenant_id,
            position=0,
            steps=[0],
            needs=[],
            queue=QUEUE,
            priority=6,
            pure=False,
            status=TaskStatus.WAITING,
        )
        return JobRecord(
            id=job_id,
            tenant_id=tenant_id,
            system=True,
            status=JobStatus.QUEUED,
            steps=[replace(step)],
            processors=[step.processor],
            given=given,
            **more,
            priority=6,
            created_at=created,
            updated_at=created,
            tasks=[task],
        )

    return build
