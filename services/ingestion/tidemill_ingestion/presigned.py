"""What ingestion does about uploads in parts: begin, show, abort."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar.response import Response
from msgspec import UNSET
from msgspec.structs import replace

from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.uploads import BeginUpload, Upload, UploadStatus
from tidemill_ingestion import lifecycle, names, parts
from tidemill_ingestion.incoming import EmptyFile, check_labels, read_options
from tidemill_ingestion.limits import REFUSALS, Holdings, Limits
from tidemill_ingestion.parts import StoredUpload, UploadOver
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.settings import Settings
from tidemill_ingestion.upload_repository import UploadRepository
from tidemill_ingestion.usecases import NameInvalid
from tidemill_kit.db import Database
from tidemill_kit.idempotency import REPLAYED, IdempotencyKeyBusy, IdempotencyKeyReused, Once
from tidemill_kit.objects import Objects
from tidemill_kit.storage_errors import ObjectMissing, StorageAway

ROUTE = "/v1/uploads"
LINKS_AT_ONCE = 100
LINK_S = 3_600


async def begin(
    database: Database,
    storage: Objects,
    settings: Settings,
    owner: Principal,
    order: BeginUpload,
    idempotency_key: str | None,
) -> Response[Any]:
    """201 with the upload and links for its parts; its bytes are taken from the tenant's share."""
    asked, limits = _asked(settings, owner, order), Limits.of(settings)
    limits.left(Holdings()).check(order.size_bytes)
    storage.check_room(order.size_bytes)
    # the store may take its time, and no transaction waits for it
    place = (settings.s3_datasets_bucket, asked.object_key)
    asked = replace(asked, parts_id=await storage.begin_parts(*place))
    try:
        async with database.on_behalf_of(owner.tenant_id) as connection:
            uploads = UploadRepository(connection, owner.tenant_id)
            datasets = DatasetRepository(connection, owner.tenant_id)

            async def make() -> Upload:
                held = await datasets.holdings()
                limits.check(held.and_dataset().and_upload(order.size_bytes))
                await uploads.add(asked)
                # again, now that the tenant's row is locked
                limits.check((await datasets.holdings()).and_dataset())
                return await _with_links(storage, settings, asked, set())

            once = Once(connection, owner.tenant_id, ROUTE, idempotency_key)
            answer = await once.answer(order, make, location=_place, keep=_without_links)
    except (IdempotencyKeyBusy, IdempotencyKeyReused, *REFUSALS):
        await _forget(storage, settings, asked)
        raise
    if REPLAYED in answer.headers:
        await _forget(storage, settings, asked)
    return answer


async def show(
    database: Database, storage: Objects, settings: Settings, upload: StoredUpload
) -> Upload:
    """The upload with the parts that the store has, and links for the next missing ones."""
    if upload.status is not UploadStatus.UPLOADING:
        return upload.shown()
    there = await stored(database, storage, settings, upload)
    return await _with_links(storage, settings, upload, there)


async def stored(
    database: Database, storage: Objects, settings: Settings, upload: StoredUpload
) -> set[int]:
    """The numbers of the parts that are there; UploadOver where the store has given them up."""
    place = (settings.s3_datasets_bucket, upload.object_key, upload.parts_id)
    try:
        found = await storage.parts(*place)
    except ObjectMissing as error:
        async with database.on_behalf_of(upload.tenant_id) as connection:
            by_now = await UploadRepository(connection, upload.tenant_id).get(upload.id)
        if by_now.status not in (UploadStatus.VERIFYING, UploadStatus.COMPLETED):
            raise UploadOver from error
        # another request has put them together at this moment: all were there
        return set(range(1, upload.part_count + 1))
    return {
        part.number
        for part in found
        if part.number <= upload.part_count and part.size_bytes == upload.size_of(part.number)
    }


async def abort(
    database: Database,
    storage: Objects,
    settings: Settings,
    owner: Principal,
    upload_id: UUID,
) -> None:
    """Give an upload up; a second time changes nothing."""
    async with database.on_behalf_of(owner.tenant_id) as connection:
        uploads = UploadRepository(connection, owner.tenant_id)
        upload = await uploads.get(upload_id, lock=True)
        if parts.abort(upload):
            await uploads.end(upload_id, UploadStatus.ABORTED)
    await give_up(storage, settings, upload)


async def give_up(storage: Objects, settings: Settings, upload: StoredUpload) -> None:
    """Let the store forget the parts."""
    await storage.abort_parts(settings.s3_datasets_bucket, upload.object_key, upload.parts_id)


async def _forget(storage: Objects, settings: Settings, upload: StoredUpload) -> None:
    """Give up what never was an upload; what does not succeed is collected later."""
    with suppress(StorageAway):
        await give_up(storage, settings, upload)


def _asked(settings: Settings, owner: Principal, order: BeginUpload) -> StoredUpload:
    """The upload that was asked for, checked."""
    name = names.clean(order.name)
    if not name:
        raise NameInvalid
    if order.size_bytes == 0:
        raise EmptyFile
    upload_id, moment = uuid7(), now()
    return StoredUpload(
        id=upload_id,
        tenant_id=owner.tenant_id,
        created_by=owner.user_id,
        name=name,
        status=UploadStatus.UPLOADING,
        size_bytes=order.size_bytes,
        part_bytes=parts.part_bytes(order.size_bytes, settings.upload_part_bytes),
        labels=check_labels(order.labels),
        options=read_options(order.options),
        sha256=order.sha256,
        fingerprint=order.fingerprint,
        object_key=lifecycle.object_key(owner.tenant_id, upload_id),
        parts_id="",
        created_at=moment,
        expires_at=moment + timedelta(seconds=settings.upload_expiry_s),
    )


async def _with_links(
    storage: Objects,
    settings: Settings,
    upload: StoredUpload,
    there: set[int],
) -> Upload:
    missing = [number for number in range(1, upload.part_count + 1) if number not in there]
    until = min(upload.expires_at, now() + timedelta(seconds=LINK_S))
    links = {
        number: await storage.part_link(
            settings.s3_datasets_bucket,
            upload.object_key,
            upload.parts_id,
            number=number,
            size_bytes=upload.size_of(number),
            seconds=_seconds_to(until),
        )
        for number in missing[:LINKS_AT_ONCE]
    }
    return upload.shown(there, links, until)


def _seconds_to(moment: datetime) -> int:
    return max(1, int((moment - now()).total_seconds()))


def _place(upload: Upload) -> str:
    return f"{ROUTE}/{upload.id}"


def _without_links(upload: Upload) -> Upload:
    """Links are rights for an hour: a repetition asks for new ones."""
    return replace(upload, parts=UNSET, links_until=UNSET, stored_bytes=UNSET)
