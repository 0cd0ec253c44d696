"""Datasets over HTTP."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Redirect

from tidemill_contracts.datasets import (
    MEDIA_TYPES,
    Dataset,
    DatasetStatus,
    IngestOptions,
    RenameDataset,
)
from tidemill_contracts.downloads import Link
from tidemill_contracts.ids import now
from tidemill_contracts.pages import Page
from tidemill_contracts.problems import FieldError
from tidemill_ingestion import usecases
from tidemill_ingestion.incoming import Incoming
from tidemill_ingestion.lifecycle import StoredDataset
from tidemill_ingestion.repository import DatasetFilter, DatasetRepository
from tidemill_ingestion.settings import Settings
from tidemill_kit.app import READ, WRITE, Caller
from tidemill_kit.db import Database
from tidemill_kit.errors import BadRequest, Gone, TidemillError
from tidemill_kit.lifespan import head
from tidemill_kit.paging import page_of
from tidemill_kit.storage import LINK_SECONDS, Storage
from tidemill_kit.storage_errors import ObjectMissing

Datasets = NamedDependency[DatasetRepository]
Store = NamedDependency[Storage]
Configured = NamedDependency[Settings]
Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", min_length=1, max_length=255),
]
NEVER_KEPT = CacheControlHeader(no_store=True)


class ArtifactGone(Gone):
    """This part of the dataset was removed from the store."""


class ArtifactDamaged(TidemillError):
    """The stored object does not match its recorded sha256."""

    status = 502


class DatasetController(Controller):
    path = "/v1/datasets"
    tags = ("Datasets",)

    @post("/", opt=WRITE, request_max_body_size=None)
    async def upload(
        self,
        request: Request[Any, Any, Any],
        principal: Caller,
        *,
        database: NamedDependency[Database],
        storage: Store,
        settings: Configured,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[Any]:
        """Upload a file: a form with the field `file`, or the bytes alone with `?name=`.

        `name`, `labels` (a JSON object) and, where the content does not tell, `format`,
        `compression`, `encoding`, `delimiter`, `quote`, `header`, `skip`, `decimal` and `depth` may
        stand in the form or in the query; so may `types` (a JSON object, type by column) and the
        `contract` for them.
        """
        known = head(request.app)
        query = {name: request.query_params[name] for name in request.query_params}
        incoming = Incoming(
            request.stream(),
            request.headers,
            query,
            stall_s=settings.upload_stall_s,
        )
        upload = await usecases.receive(database, storage, settings, principal, incoming)
        return await usecases.create(
            database,
            storage,
            settings,
            principal,
            upload,
            head=known,
            idempotency_key=idempotency_key,
        )

    @get("/", opt=READ)
    async def newest(
        self,
        request: Request[Any, Any, Any],
        datasets: Datasets,
        limit: Limit = 50,
        cursor: FromQuery[UUID | None] = None,
        status: FromQuery[DatasetStatus | None] = None,
        name: FromQuery[str | None] = None,
        format_: Annotated[str | None, QueryParameter(name="format")] = None,
        label: FromQuery[list[str] | None] = None,
        created_after: FromQuery[datetime | None] = None,
        created_before: FromQuery[datetime | None] = None,
    ) -> Response[Page[Dataset]]:
        """The newest datasets first: those that fit all that is given.

        `name` is a part of the name, `label` is `key:value` and may be repeated; `status=deleted`
        shows the trash.
        """
        wanted = DatasetFilter(
            name=name,
            status=status,
            format=format_,
            labels=_labels(label or []),
            created_after=created_after,
            created_before=created_before,
        )
        known = str(head(request.app))
        found = await datasets.newest(wanted, limit=limit + 1, before=cursor)
        shown = [dataset.shown(known) for dataset in found]
        return page_of(request, shown, limit, lambda dataset: dataset.id)

    @get("/{dataset_id:uuid}", opt=READ)
    async def show(
        self,
        dataset_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        datasets: Datasets,
    ) -> Dataset:
        """One dataset, with the cursor from which on its events are news."""
        known = head(request.app)
        return (await datasets.get(dataset_id)).shown(str(known))

    @patch("/{dataset_id:uuid}", opt=WRITE)
    async def rename(
        self,
        dataset_id: FromPath[UUID],
        data: JSONBody[RenameDataset],
        datasets: Datasets,
        request: Request[Any, Any, Any],
    ) -> Dataset:
        """Change the name or the labels."""
        return await usecases.rename(datasets, dataset_id, data, head(request.app))

    @delete("/{dataset_id:uuid}", opt=WRITE)
    async def remove(
        self,
        dataset_id: FromPath[UUID],
        principal: Caller,
        datasets: Datasets,
        settings: Configured,
        request: Request[Any, Any, Any],
        *,
        purge: FromQuery[bool] = False,
    ) -> None:
        """Put a dataset into the trash; results made from it stay. `purge` is for good."""
        by = principal.user_id
        await usecases.delete(datasets, dataset_id, settings.trash_s, by=by, purge=purge)
        if purge:
            request.app.state.tidying.set()

    @post("/{dataset_id:uuid}/restore", opt=WRITE, status_code=200)
    async def restore(
        self, dataset_id: FromPath[UUID], datasets: Datasets, request: Request[Any, Any, Any]
    ) -> Dataset:
        """Take a dataset out of the trash."""
        return await usecases.restore(datasets, dataset_id, head(request.app))

    @post("/{dataset_id:uuid}/ingest", opt=WRITE, status_code=202)
    async def ingest(
        self,
        dataset_id: FromPath[UUID],
        data: JSONBody[IngestOptions],
        datasets: Datasets,
        request: Request[Any, Any, Any],
    ) -> Dataset:
        """Read the uploaded bytes again, as these options say, without another upload.

        The dataset is `validating` until then; results made from it so far stay as they are.
        """
        return await usecases.ingest_again(datasets, dataset_id, data, head(request.app))

    @get("/{dataset_id:uuid}/events", opt=READ)
    async def events(
        self,
        dataset_id: FromPath[UUID],
        datasets: Datasets,
    ) -> Page[dict[str, Any]]:
        """All that happened to the dataset, oldest first."""
        dataset = await datasets.get(dataset_id)
        return Page(await datasets.history(dataset.id))

    @get("/{dataset_id:uuid}/preview", opt=READ)
    async def preview(
        self,
        dataset_id: FromPath[UUID],
        datasets: Datasets,
        storage: Store,
        settings: Configured,
    ) -> Response[bytes]:
        """The first hundred rows: `{columns, rows}`."""
        dataset = await datasets.get(dataset_id)
        await datasets.let_go()
        return await _stored_json(storage, settings, dataset, "preview.json")

    @get("/{dataset_id:uuid}/profile", opt=READ)
    async def profile(
        self,
        dataset_id: FromPath[UUID],
        datasets: Datasets,
        storage: Store,
        settings: Configured,
    ) -> Response[bytes]:
        """Figures of each column: `{rows, columns}`."""
        dataset = await datasets.get(dataset_id)
        await datasets.let_go()
        return await _stored_json(storage, settings, dataset, "profile.json")

    @get("/{dataset_id:uuid}/rejects", opt=READ, cache_control=NEVER_KEPT)
    async def rejects(
        self,
        dataset_id: FromPath[UUID],
        datasets: Datasets,
        storage: Store,
        settings: Configured,
        *,
        redirect: FromQuery[bool] = True,
    ) -> Response[Any]:
        """The rows that could not be used, one JSON object a line."""
        dataset = await datasets.get(dataset_id)
        uri = await storage.link(
            settings.s3_results_bucket,
            dataset.rejects(),
            filename=f"{dataset.name}.rejects.ndjson",
            media_type=MEDIA_TYPES["ndjson"],
        )
        return _answer_with(uri, redirect=redirect)


def _answer_with(uri: str, *, redirect: bool) -> Response[Any]:
    if redirect:
        return Redirect(uri, status_code=302)
    return Response(Link(uri, now() + timedelta(seconds=LINK_SECONDS)))


async def _stored_json(
    storage: Storage,
    settings: Settings,
    dataset: StoredDataset,
    name: str,
) -> Response[bytes]:
    """An artifact as it was recorded, or a loud error."""
    try:
        body = await storage.get_bytes(settings.s3_results_bucket, dataset.artifact(name))
    except ObjectMissing as error:
        raise ArtifactGone from error
    recorded = dataset.artifacts.get(name)
    if recorded is not None and hashlib.sha256(body).hexdigest() != recorded.sha256:
        raise ArtifactDamaged
    return Response(body, media_type="application/json")


def _labels(pairs: list[str]) -> dict[str, str]:
    """`key:value` words as labels; BadRequest for a word that is none."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, colon, value = pair.partition(":")
        if not (key and colon):
            raise BadRequest(errors=[FieldError("label", f"{pair} is not key:value")])
        found[key] = value
    return found
