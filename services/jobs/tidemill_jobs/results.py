"""What a job gave: a value as it is, a frame behind a link, other formats made once."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from litestar.response import Redirect, Response
from msgspec import Struct
from sqlalchemy import text

from tidemill_contracts.ids import moment_of, now, uuid7
from tidemill_contracts.jobs import JobStatus, StepStatus
from tidemill_contracts.work import Payload, Source
from tidemill_jobs.commands import Submit
from tidemill_jobs.lifecycle import JobNotFinished
from tidemill_jobs.records import JSON, PARQUET, JobRecord, StepRecord, TaskRecord, TaskStatus
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.settings import JobsSettings
from tidemill_jobs.shown import result_of
from tidemill_jobs.usecases import wait_for_end
from tidemill_kit.db import Database
from tidemill_kit.errors import Conflict, Gone, NotFound, TidemillError
from tidemill_kit.storage import LINK_SECONDS, ObjectMissing, Storage

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": JSON,
    "ndjson": "application/x-ndjson",
    "parquet": PARQUET,
}
SYSTEM_QUEUE = "default"


class NoResult(Conflict):
    """The job gave no result."""


class StepNotFound(NotFound):
    """The job has no step of this name."""


class FormatNotOffered(NotFound):
    """A value is JSON; only frames come in other formats."""


class ResultGone(Gone):
    """The result is over its retention."""


class ResultDamaged(TidemillError):
    """The stored result does not match its recorded sha256."""

    status = 502


class ResultExpired(Gone):
    """The result was kept for its time and is gone."""


class ExportFailed(TidemillError):
    """The file could not be made."""

    status = 502


class Link(Struct, frozen=True):
    """Where to fetch a file, and until when."""

    uri: str
    expires_at: str


class Wanted(Struct, frozen=True, kw_only=True):
    """A result that somebody asked for."""

    job_id: UUID
    step: str | None = None
    file_format: str | None = None
    redirect: bool = True


async def fetch(app: Litestar, jobs: JobRepository, wanted: Wanted) -> Response[Any]:
    """200 with the bare value, 302 to a frame's file, 202 while the file is still being made."""
    job = await jobs.get(wanted.job_id)
    if job is None:
        raise JobNotFound
    step = _step(job, wanted)
    kept = step.kept
    if kept is None or result_of(job.id, step) is None:
        raise NoResult(job_status=job.status.value)
    _check_age(app, job)
    if kept.frame is None:
        if wanted.file_format not in (None, "json"):
            raise FormatNotOffered
        return await _value(app, kept)
    name = f"{step.name}-{job.id.hex[-8:]}"
    one_part = len(kept.frame.parts) == 1 and wanted.file_format in (None, "parquet")
    if one_part:
        return await _link(app, kept.frame.parts[0].key, f"{name}.parquet", PARQUET, wanted)
    return await _exported(app, jobs, job, step, wanted)


def _step(job: JobRecord, wanted: Wanted) -> StepRecord:
    if wanted.step is not None:
        step = job.step(wanted.step)
        if step is None:
            raise StepNotFound
        if step.status in (StepStatus.PENDING, StepStatus.RUNNING):
            raise JobNotFinished(job_status=job.status.value)
        return step
    if not job.status.is_final:
        raise JobNotFinished(job_status=job.status.value)
    if job.status is not JobStatus.SUCCEEDED:
        raise NoResult(job_status=job.status.value)
    return job.steps[-1]


def _check_age(app: Litestar, job: JobRecord) -> None:
    settings: JobsSettings = app.state.settings
    kept = timedelta(seconds=settings.result_retention_s)
    if job.finished_at is not None and job.finished_at + kept < now():
        raise ResultExpired(kept_until=(job.finished_at + kept).isoformat())


async def _value(app: Litestar, kept: Payload) -> Response[Any]:
    if kept.value_ref is None:
        return Response(msgspec.json.encode(kept.value), media_type=JSON)
    storage: Storage = app.state.storage
    settings: JobsSettings = app.state.settings
    try:
        body = await storage.get_bytes(settings.s3_results_bucket, kept.value_ref.key)
    except ObjectMissing as error:
        raise ResultGone from error
    if hashlib.sha256(body).hexdigest() != kept.value_ref.sha256:
        raise ResultDamaged
    return Response(body, media_type=JSON)


async def _link(
    app: Litestar,
    key: str,
    filename: str,
    media_type: str,
    wanted: Wanted,
) -> Response[Any]:
    storage: Storage = app.state.storage
    settings: JobsSettings = app.state.settings
    bucket = settings.s3_results_bucket
    if not await storage.exists(bucket, key):
        raise ResultGone
    link = await storage.link(bucket, key, filename=filename, media_type=media_type)
    if wanted.redirect:
        return Redirect(link, status_code=302)
    expires = now() + timedelta(seconds=LINK_SECONDS)
    return Response(Link(link, expires.isoformat()))


async def _exported(
    app: Litestar,
    jobs: JobRepository,
    job: JobRecord,
    step: StepRecord,
    wanted: Wanted,
) -> Response[Any]:
    file_format = wanted.file_format or "parquet"
    export_id = await jobs.export_of(job.id, step.name, file_format)
    if export_id is None:
        export_id = await _start_export(app, job, step, file_format)
    made = await _made(app, jobs.tenant_id, export_id)
    if made is None:
        return Response(
            {"status": "exporting", "job_id": str(export_id)},
            status_code=202,
            headers={"Location": f"/v1/jobs/{export_id}", "Retry-After": "2"},
        )
    name = f"{step.name}-{job.id.hex[-8:]}.{file_format}"
    return await _link(app, made, name, MEDIA_TYPES[file_format], wanted)


async def _made(app: Litestar, tenant_id: UUID, export_id: UUID) -> str | None:
    """The key of an export's file, waiting a while for it; None while it is not there."""
    database: Database = app.state.database
    settings: JobsSettings = app.state.settings
    for wait_s in (0.0, settings.export_wait_s):
        if wait_s:
            await wait_for_end(app, export_id, wait_s)
        async with database.on_behalf_of(tenant_id) as connection:
            mine = JobRepository(connection, tenant_id)
            export, run = await mine.get(export_id), await mine.last_run(export_id)
        if export is not None and export.status.is_final:
            if export.status is not JobStatus.SUCCEEDED or run is None:
                raise ExportFailed(export.error.message if export.error else None)
            value: Any = export.steps[0].kept.value if export.steps[0].kept else {}
            prefix = f"{tenant_id}/{export_id}/{run[0]}-{run[1]}/{export.steps[0].name}"
            return f"{prefix}/{value['file']}"
    return None


async def _start_export(
    app: Litestar,
    job: JobRecord,
    step: StepRecord,
    file_format: str,
) -> UUID:
    given = Payload(frame=step.kept.frame if step.kept else None)
    made = StepRecord(name="export", processor="export", params={"format": file_format})
    export = system_job(uuid7(), job.tenant_id, made, given)
    await app.state.ledger.ask(Submit, build=export, job_id=export().id)
    values = {"t": job.tenant_id, "j": job.id, "s": step.name, "f": file_format, "e": export().id}
    database: Database = app.state.database
    async with database.transaction() as connection:
        return await connection.scalar(_EXPORT, values) or export().id


def system_job(
    job_id: UUID,
    tenant_id: UUID,
    step: StepRecord,
    given: Payload,
    *,
    dataset_id: UUID | None = None,
) -> Any:
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
            queue=SYSTEM_QUEUE,
            priority=6,
            pure=False,
            status=TaskStatus.WAITING,
        )
        return JobRecord(
            id=job_id,
            tenant_id=tenant_id,
            system=True,
            status=JobStatus.QUEUED,
            dataset_id=dataset_id,
            steps=[msgspec.structs.replace(step)],
            processors=[step.processor],
            given=given,
            priority=6,
            created_at=created,
            updated_at=created,
            tasks=[task],
        )

    return build


def ingest_job(
    job_id: UUID,
    tenant_id: UUID,
    dataset_id: UUID,
    source: Source,
    options: dict[str, Any],
) -> Any:
    step = StepRecord(name="ingest", processor="ingest", params=options)
    return system_job(job_id, tenant_id, step, Payload(source=source), dataset_id=dataset_id)


_EXPORT = text("""
insert into exports (tenant_id, job_id, step, format, export_id) values (:t, :j, :s, :f, :e)
on conflict (job_id, step, format) do update set export_id = exports.export_id
returning export_id
""")
