"""Uploads in parts over HTTP."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET
from msgspec.structs import replace

from tidemill_contracts.identity import Role
from tidemill_contracts.pages import Page
from tidemill_contracts.uploads import BeginUpload, CompleteUpload, Upload, UploadStatus
from tidemill_ingestion import presigned
from tidemill_ingestion.finishing import Finisher
from tidemill_ingestion.incoming import DigestMismatch
from tidemill_ingestion.parts import StoredUpload, UploadIncomplete, UploadOver
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.routes import Configured, IdempotencyKey, Limit
from tidemill_ingestion.settings import Settings
from tidemill_ingestion.upload_repository import UploadRepository
from tidemill_ingestion.usecases import place_of
from tidemill_kit.app import READ, WRITE, Caller
from tidemill_kit.db import Database
from tidemill_kit.lifespan import head
from tidemill_kit.objects import Objects
from tidemill_kit.paging import page_of

Uploads = NamedDependency[UploadRepository]
Store = NamedDependency[Objects]
NAMED_AT_MOST = 100


class UploadController(Controller):
    path = "/v1/uploads"
    tags = ("Uploads",)

    @post("/", opt=WRITE)
    async def begin(
        self,
        data: JSONBody[BeginUpload],
        principal: Caller,
        *,
        database: NamedDependency[Database],
        storage: Store,
        settings: Configured,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[Any]:
        """Begin an upload in parts; each part has a link that takes it by PUT.

        Parts may come in any order, several at a time and again. The answer has links for the
        first hundred; showing the upload gives those for the next that are missing.
        """
        return await presigned.begin(database, storage, settings, principal, data, idempotency_key)

    @get("/", opt=READ)
    async def newest(
        self,
        request: Request[Any, Any, Any],
        uploads: Uploads,
        limit: Limit = 50,
        cursor: FromQuery[UUID | None] = None,
        status: FromQuery[UploadStatus | None] = None,
        fingerprint: FromQuery[str | None] = None,
    ) -> Response[Page[Upload]]:
        """The newest uploads first; `fingerprint` finds that of a certain file."""
        found = await uploads.newest(
            limit=limit + 1, before=cursor, status=status, fingerprint=fingerprint
        )
        shown = [upload.shown() for upload in found]
        return page_of(request, shown, limit, lambda upload: upload.id)

    @get("/{upload_id:uuid}", opt=READ)
    async def show(
        self,
        upload_id: FromPath[UUID],
        principal: Caller,
        uploads: Uploads,
        database: NamedDependency[Database],
        storage: Store,
        settings: Configured,
    ) -> Upload:
        """The parts that are there, and links for the next that are missing, for operators."""
        upload = await uploads.get(upload_id)
        shown = await presigned.show(database, storage, settings, upload)
        return shown if principal.role.includes(Role.OPERATOR) else _without_links(shown)

    @delete("/{upload_id:uuid}", opt=WRITE)
    async def abort(
        self,
        upload_id: FromPath[UUID],
        principal: Caller,
        database: NamedDependency[Database],
        storage: Store,
        settings: Configured,
    ) -> None:
        """Give an upload up, with all parts that came."""
        await presigned.abort(database, storage, settings, principal, upload_id)

    @post("/{upload_id:uuid}/complete", opt=WRITE)
    async def complete(
        self,
        upload_id: FromPath[UUID],
        data: JSONBody[CompleteUpload],
        principal: Caller,
        database: NamedDependency[Database],
        storage: Store,
        settings: Configured,
        finisher: NamedDependency[Finisher],
        request: Request[Any, Any, Any],
    ) -> Response[Any]:
        """Make the parts a dataset: 201 with it, however often this is asked.

        What was stored is read again to know its sha256. Where that takes longer, the answer is
        202 with the upload: ask again.
        """
        known = head(request.app)
        async with database.on_behalf_of(principal.tenant_id) as connection:
            upload = await UploadRepository(connection, principal.tenant_id).get(upload_id)
            if upload.status is UploadStatus.COMPLETED:
                datasets = DatasetRepository(connection, principal.tenant_id)
                dataset = (await datasets.get(upload_id)).shown(str(known))
                return Response(dataset, headers={"Location": place_of(dataset)})
        await _check(database, storage, settings, upload, data)
        task = await finisher.begin(upload, data.sha256)
        if task is not None:
            done, _ = await asyncio.wait({task}, timeout=settings.upload_answer_s)
            if done:
                dataset = task.result()
                return Response(dataset, headers={"Location": place_of(dataset)})
        headers = {"Location": f"{presigned.ROUTE}/{upload_id}", "Retry-After": "1"}
        return Response(upload.shown(), status_code=202, headers=headers)


async def _check(
    database: Database,
    storage: Objects,
    settings: Settings,
    upload: StoredUpload,
    order: CompleteUpload,
) -> None:
    """Refuse what cannot be completed, or not yet."""
    if upload.status not in (UploadStatus.UPLOADING, UploadStatus.VERIFYING):
        raise UploadOver(upload_status=upload.status.value)
    if order.sha256 is not None and upload.sha256 not in (None, order.sha256):
        raise DigestMismatch(expected=upload.sha256, found=order.sha256)
    if upload.status is UploadStatus.UPLOADING:
        there = await presigned.stored(database, storage, settings, upload)
        missing = [n for n in range(1, upload.part_count + 1) if n not in there]
        if missing:
            raise UploadIncomplete(missing=len(missing), parts=missing[:NAMED_AT_MOST])


def _without_links(upload: Upload) -> Upload:
    if upload.parts is UNSET:
        return upload
    parts = [replace(part, uri=UNSET) for part in upload.parts]
    return replace(upload, parts=parts, links_until=UNSET)
