"""What a job gave: a value as it is, a frame behind a link, other formats made once."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from litestar.response import Redirect, Response
from msgspec import Struct

from tidemill_contracts.datasets import MEDIA_TYPES, Frame, Source
from tidemill_contracts.downloads import Link
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import JobStatus, StepStatus
from tidemill_contracts.work import Payload
from tidemill_jobs import exports
from tidemill_jobs.exports import ExportFailed, Wish
from tidemill_jobs.lifecycle import JobNotFinished
from tidemill_jobs.records import JSON, PARQUET, JobRecord, StepRecord
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.settings import JobsSettings
from tidemill_jobs.shown import result_of
from tidemill_kit.errors import Conflict, Gone, NotFound, TidemillError
from tidemill_kit.storage import DIGEST, LINK_SECONDS, Storage
from tidemill_kit.storage_errors import ObjectMissing


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


class Wanted(Struct, frozen=True, kw_only=True):
    """A result that somebody asked for."""

    job_id: UUID
    step: str | None = None
    file_format: str | None = None
    safe: bool = False
    redirect: bool = True


async def fetch(app: Litestar, jobs: JobRepository, wanted: Wanted) -> Response[Any]:
    """200 with the bare value, 302 to a frame's file, 202 while the file is still being made."""
    job = await jobs.get(wanted.job_id)
    if job is None:
        raise JobNotFound
    step = kept_step(job, wanted.step)
    kept = step.kept
    if kept is None or result_of(job.id, step) is None:
        raise NoResult(job_status=job.status.value)
    check_age(app, job)
    await jobs.let_go()
    if kept.frame is None:
        if wanted.file_format not in (None, "json"):
            raise FormatNotOffered
        return await _value(app, kept)
    await _check_presence(app, kept.frame)
    if len(kept.frame.parts) == 1 and wanted.file_format in (None, "parquet"):
        part = kept.frame.parts[0]
        stored = Source(part.key, part.size_bytes, part.sha256)
        return await _link(app, stored, _filename(job, step, "parquet"), PARQUET, wanted)
    return await _exported(app, job, step, kept.frame, wanted)


async def _check_presence(app: Litestar, frame: Frame) -> None:
    """All parts of a frame go at once, so one of them tells."""
    storage: Storage = app.state.storage
    if not await storage.exists(app.state.settings.s3_results_bucket, frame.parts[0].key):
        raise ResultGone


def _filename(job: JobRecord, step: StepRecord, file_format: str) -> str:
    return f"{step.name}-{job.id.hex[-8:]}.{file_format}"


def kept_step(job: JobRecord, name: str | None = None) -> StepRecord:
    """The named step, if it is over; without a name the last one of a job that succeeded."""
    if name is not None:
        step = job.step(name)
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


def check_age(app: Litestar, job: JobRecord) -> None:
    """ResultExpired for a job that ended longer ago than results are kept."""
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
    stored: Source,
    filename: str,
    media_type: str,
    wanted: Wanted,
) -> Response[Any]:
    storage: Storage = app.state.storage
    bucket = app.state.settings.s3_results_bucket
    uri = await storage.link(bucket, stored.key, filename=filename, media_type=media_type)
    if wanted.redirect:
        return Redirect(uri, status_code=302, headers={DIGEST: stored.sha256})
    until = now() + timedelta(seconds=LINK_SECONDS)
    return Response(Link(uri, until, stored.size_bytes, stored.sha256))


async def _exported(
    app: Litestar,
    job: JobRecord,
    step: StepRecord,
    frame: Frame,
    wanted: Wanted,
) -> Response[Any]:
    settings: JobsSettings = app.state.settings
    file_format = wanted.file_format or "parquet"
    wish = Wish(job.id, step.name, frame, file_format, wanted.safe)
    made = await exports.export(app, job.tenant_id, wish, settings.export_wait_s)
    if made.code == "input_missing":
        raise ResultGone
    if made.code == "integrity":
        raise ResultDamaged
    if made.failed is not None:
        raise ExportFailed(made.failed)
    if made.file is None:
        return Response(
            {"status": "exporting", "job_id": str(made.job_id)},
            status_code=202,
            headers={"Location": f"/v1/jobs/{made.job_id}", "Retry-After": "2"},
        )
    name = _filename(job, step, file_format)
    return await _link(app, made.file, name, MEDIA_TYPES[file_format], wanted)
