"""Frames as one file of another format: made once by a job of the system's, then kept."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from msgspec import Struct
from nats.aio.client import Client
from sqlalchemy import text

from tidemill_contracts.datasets import Frame, Source
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import JobStatus
from tidemill_contracts.lineage import AskExport, Exported
from tidemill_jobs.commands import Submit
from tidemill_jobs.errands import export_job
from tidemill_jobs.records import JobRecord
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.usecases import wait_for_end
from tidemill_kit.bus import answer
from tidemill_kit.db import Database
from tidemill_kit.errors import TidemillError
from tidemill_kit.storage import Storage

ASKED = "tm.rpc.jobs.export"


class ExportFailed(TidemillError):
    """The file could not be made."""

    status = 502


class Wish(Struct, frozen=True):
    """A frame of a job's step, or of a dataset, and the file that it should be.

    The frames of a dataset that is read again are told apart by the jobs that made them.
    """

    owner_id: UUID
    step: str
    frame: Frame
    format: str
    safe: bool = False

    @property
    def key(self) -> str:
        """What tells the files of one frame from each other."""
        return f"{self.format}+safe" if self.safe else self.format

    @property
    def params(self) -> dict[str, Any]:
        return {"format": self.format} | ({"safe": True} if self.safe else {})


async def serve(app: Litestar, client: Client) -> None:
    """Answer ingestion, which has the frames of datasets and nobody to write them."""

    async def asked(of: AskExport) -> Exported:
        wish = Wish(of.dataset_id, made_by(of.frame), of.frame, of.format, of.safe)
        return await export(app, of.tenant_id, wish, of.wait_s)

    await answer(client, ASKED, AskExport, asked)


async def export(app: Litestar, tenant_id: UUID, wish: Wish, wait_s: float) -> Exported:
    """The file, waiting so long for it; one that failed or is gone is made anew, once."""
    export_id = await _claim(app, tenant_id, wish, former=None)
    found = await _look(app, tenant_id, export_id)
    if found is not None and not await _is_there(app, found):
        export_id = await _claim(app, tenant_id, wish, former=export_id)
        found = await _look(app, tenant_id, export_id)
    if found is None:
        build = export_job(export_id, tenant_id, wish.frame, wish.params)
        # whoever comes second asks for the same job, which is made once
        await app.state.ledger.ask(Submit, build=build, job_id=export_id)
        await wait_for_end(app, export_id, wait_s)
        found = await _look(app, tenant_id, export_id)
    return found or Exported(job_id=export_id)


def made_by(frame: Frame) -> str:
    """The job below whose prefix `<tenant>/<job>/` the frame lies."""
    return frame.parts[0].key.split("/")[1] if frame.parts else ""


async def _look(app: Litestar, tenant_id: UUID, export_id: UUID) -> Exported | None:
    """What came of an export that has ended."""
    database: Database = app.state.database
    async with database.on_behalf_of(tenant_id) as connection:
        job = await JobRepository(connection, tenant_id).get(export_id)
    if job is None or not job.status.is_final:
        return None
    if job.status is not JobStatus.SUCCEEDED:
        code, why = (job.error.code, job.error.message) if job.error else (None, job.status.value)
        return Exported(job_id=export_id, failed=why, code=code)
    return Exported(job_id=export_id, file=_file(job))


def _file(job: JobRecord) -> Source | None:
    kept = job.steps[0].kept
    return next(iter(kept.artifacts.values()), None) if kept else None


async def _is_there(app: Litestar, found: Exported) -> bool:
    storage: Storage = app.state.storage
    bucket = app.state.settings.s3_results_bucket
    return found.file is not None and await storage.exists(bucket, found.file.key)


async def _claim(app: Litestar, tenant_id: UUID, wish: Wish, *, former: UUID | None) -> UUID:
    """The id of the job that makes the file; a new one takes the place of the former."""
    values = {
        "tenant": tenant_id,
        "owner": wish.owner_id,
        "step": wish.step,
        "format": wish.key,
        "export": uuid7(),
        "former": former,
    }
    database: Database = app.state.database
    async with database.transaction() as connection:
        return msgspec.convert(await connection.scalar(_CLAIM, values), UUID)


_CLAIM = text("""
insert into exports (tenant_id, job_id, step, format, export_id)
values (:tenant, :owner, :step, :format, :export)
on conflict (job_id, step, format) do update set export_id = case
    when exports.export_id = cast(:former as uuid) then excluded.export_id
    else exports.export_id end
returning export_id
""")
