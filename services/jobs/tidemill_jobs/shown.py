"""Jobs and their results as the API shows them."""

from uuid import UUID

from msgspec import UNSET

from tidemill_contracts.jobs import Job, JobStatus, Result, Step
from tidemill_jobs.records import JSON, PARQUET, JobRecord, StepRecord


def result_of(job_id: UUID, step: StepRecord, *, uri: str | None = None) -> Result | None:
    """What the API says of a step's output; null where it gave nothing."""
    kept = step.kept
    if kept is None or step.gave_nothing:
        return None
    link = uri or f"/v1/jobs/{job_id}/steps/{step.name}/result"
    if kept.frame is not None:
        parts = kept.frame.parts
        return Result(
            value=UNSET if kept.value is None else kept.value,
            uri=link,
            media_type=PARQUET,
            size_bytes=kept.frame.size_bytes,
            sha256=parts[0].sha256 if len(parts) == 1 else UNSET,
            rows=kept.frame.rows,
            columns=kept.frame.columns,
        )
    if kept.value_ref is not None:
        ref = kept.value_ref
        return Result(uri=link, media_type=JSON, size_bytes=ref.size_bytes, sha256=ref.sha256)
    return None if kept.value is None else Result(value=kept.value)


def public_step(job_id: UUID, step: StepRecord) -> Step:
    return Step(
        name=step.name,
        processor=step.processor,
        params=step.params,
        needs=step.needs,
        input=step.input,
        each=step.each,
        on_error=step.on_error,
        status=step.status,
        result=result_of(job_id, step),
        error=step.error,
    )


def job_result(job: JobRecord) -> Result | None:
    """A job's result is that of its last listed step, under the job's own uri."""
    last = job.steps[-1]
    return result_of(job.id, last, uri=f"/v1/jobs/{job.id}/result")


def public(job: JobRecord) -> Job:
    """The job as the API shows it."""
    succeeded = job.status is JobStatus.SUCCEEDED
    return Job(
        id=job.id,
        tenant_id=job.tenant_id,
        status=job.status,
        blocked_reason=job.blocked_reason,
        dataset_id=job.dataset_id,
        pipeline=job.pipeline,
        steps=[public_step(job.id, step) for step in job.steps],
        progress=job.progress,
        result=job_result(job) if succeeded else None,
        error=job.error,
        cancel=job.cancel,
        attempt=job.attempt,
        queue=job.queue,
        priority=job.priority,
        labels=job.labels,
        retry_of=job.retry_of,
        concurrency_key=job.concurrency_key,
        next_attempt_at=job.next_attempt_at,
        created_at=job.created_at,
        updated_at=job.updated_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        seq=job.seq,
    )
