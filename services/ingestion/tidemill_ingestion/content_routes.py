"""HTTP: a dataset's content in every format, and what it came from."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect, Response
from msgspec import Struct
from msgspec.structs import replace

from tidemill_contracts.datasets import MEDIA_TYPES
from tidemill_contracts.downloads import Link
from tidemill_contracts.ids import now
from tidemill_contracts.lineage import AskExport, AskLineage, Exported, Lineage
from tidemill_ingestion.lifecycle import StoredDataset
from tidemill_ingestion.routes import NEVER_KEPT, ArtifactGone, Configured, Datasets, Store
from tidemill_kit.app import READ, Caller
from tidemill_kit.bus import BusAway, RequestRefused, call
from tidemill_kit.errors import TidemillError, Unavailable
from tidemill_kit.storage import DIGEST, LINK_SECONDS, Storage

BYTES = "application/octet-stream"
EXPORT = "tm.rpc.jobs.export"
LINEAGE = "tm.rpc.jobs.lineage"
# below what NATS waits for an answer
WAIT_S, ANSWER_S = 20.0, 25.0


class JobsAway(Unavailable):
    """The service that runs jobs does not answer."""

    retry_after_s = 2


class ExportFailed(TidemillError):
    """The file could not be made."""

    status = 502


class File(Struct, frozen=True):
    """A stored object and how it is shown."""

    bucket: str
    key: str
    filename: str
    media_type: str
    size_bytes: int | None
    sha256: str | None


@get(
    "/v1/datasets/{dataset_id:uuid}/content",
    opt=READ,
    tags=["Datasets"],
    operation_id="content",
    cache_control=NEVER_KEPT,
)
async def content(
    request: Request[Any, Any, Any],
    dataset_id: FromPath[UUID],
    datasets: Datasets,
    storage: Store,
    settings: Configured,
    *,
    format_: Annotated[
        Literal["csv", "json", "ndjson", "parquet"] | None, QueryParameter(name="format")
    ] = None,
    safe: FromQuery[bool] = False,
    redirect: FromQuery[bool] = True,
) -> Response[Any]:
    """The uploaded bytes; with a format the typed table as one file of it, made once.

    202 while the file is still being made. With `safe` no cell of a CSV file is a formula to a
    spreadsheet. A dataset saved from a result was never uploaded: it is Parquet.
    """
    dataset = await datasets.get(dataset_id)
    await datasets.let_go()
    if dataset.origin is not None and format_ is None:
        format_ = "parquet"
    if format_ is None:
        key, size = dataset.object_key, dataset.size_bytes
        bucket = settings.s3_datasets_bucket
        file = File(bucket, key, dataset.name, BYTES, size, dataset.sha256)
        return await _linked(storage, file, redirect=redirect)
    made = _only_part(dataset) if format_ == "parquet" else None
    if made is None:
        made = await _export(request, dataset, format_, safe=safe)
    if made.file is None:
        return _not_yet(made)
    name, stored = f"{dataset.name}.{format_}", made.file
    kept = (settings.s3_results_bucket, stored.key, name, MEDIA_TYPES[format_])
    file = File(*kept, stored.size_bytes, stored.sha256)
    return await _linked(storage, file, redirect=redirect)


@get(
    "/v1/datasets/{dataset_id:uuid}/lineage",
    opt=READ,
    tags=["Datasets"],
    operation_id="datasetLineage",
)
async def lineage(
    request: Request[Any, Any, Any],
    dataset_id: FromPath[UUID],
    principal: Caller,
    datasets: Datasets,
) -> Lineage:
    """The jobs and datasets that this one was made of, and those made of it."""
    await datasets.get(dataset_id)
    asked = AskLineage(tenant_id=principal.tenant_id, dataset_id=dataset_id)
    found = await _ask(request, LINEAGE, asked, Lineage)
    names = await datasets.names([each.id for each in found.datasets])
    named = [replace(each, name=names.get(each.id)) for each in found.datasets]
    return replace(found, datasets=named)


async def _linked(storage: Storage, file: File, *, redirect: bool) -> Response[Any]:
    if not await storage.exists(file.bucket, file.key):
        raise ArtifactGone
    names = {"filename": file.filename, "media_type": file.media_type}
    uri = await storage.link(file.bucket, file.key, **names)
    if redirect:
        headers = {DIGEST: file.sha256} if file.sha256 else {}
        return Redirect(uri, status_code=302, headers=headers)
    until = now() + timedelta(seconds=LINK_SECONDS)
    return Response(Link(uri, until, file.size_bytes, file.sha256))


def _only_part(dataset: StoredDataset) -> Exported | None:
    stored = dataset.only_part()
    return None if stored is None else Exported(job_id=dataset.id, file=stored)


def _not_yet(made: Exported) -> Response[Any]:
    """202 while the file is being made; where it cannot be, why."""
    if made.code == "input_missing":
        raise ArtifactGone
    if made.failed is not None:
        raise ExportFailed(made.failed)
    return Response(
        {"status": "exporting", "job_id": str(made.job_id)},
        status_code=202,
        headers={"Location": f"/v1/jobs/{made.job_id}", "Retry-After": "2"},
    )


async def _export(
    request: Request[Any, Any, Any],
    dataset: StoredDataset,
    file_format: str,
    *,
    safe: bool,
) -> Exported:
    asked = AskExport(
        tenant_id=dataset.tenant_id,
        dataset_id=dataset.id,
        frame=dataset.table(),
        format=file_format,
        safe=safe,
        wait_s=WAIT_S,
    )
    return await _ask(request, EXPORT, asked, Exported)


async def _ask[T](request: Request[Any, Any, Any], subject: str, asked: Any, kind: type[T]) -> T:
    try:
        return await call(request.app.state.client, subject, asked, kind, timeout_s=ANSWER_S)
    except (BusAway, RequestRefused) as error:
        raise JobsAway from error
