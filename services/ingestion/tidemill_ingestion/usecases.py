"""What ingestion does: store, describe, rename, delete, and conclude what ingest made of it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from litestar.response import Response
from msgspec import UNSET, Struct
from msgspec.structs import replace

from tidemill_contracts.datasets import (
    Column,
    Dataset,
    DatasetStatus,
    Detected,
    Ingested,
    IngestOptions,
    KnownDataset,
    RenameDataset,
)
from tidemill_contracts.event import Event
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobSucceeded
from tidemill_contracts.log import AskDataset, Cursor
from tidemill_ingestion import again, conclusions, lifecycle, names, trash
from tidemill_ingestion.conclusions import Unsuccessful
from tidemill_ingestion.incoming import Incoming, check_labels
from tidemill_ingestion.lifecycle import DatasetNotFound, Owner, Upload
from tidemill_ingestion.limits import REFUSALS, Limits
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.settings import Settings
from tidemill_kit.db import Database
from tidemill_kit.errors import Invalid
from tidemill_kit.idempotency import IdempotencyKeyBusy, IdempotencyKeyReused, Once
from tidemill_kit.storage import Storage
from tidemill_kit.storage_errors import StorageAway

ROUTE = "/v1/datasets"
type ReadArtifact = Callable[[str], Awaitable[bytes]]


class NameInvalid(Invalid):
    """Nothing is left of this name without its control characters."""


class Profiled(Struct, frozen=True):
    """What is read of the profile that ingest left beside its frame."""

    columns: list[Column]
    detected: Detected | None = None


async def receive(
    database: Database,
    storage: Storage,
    settings: Settings,
    owner: Principal,
    incoming: Incoming,
) -> Upload:
    """Store the bytes; nothing is visible of an upload that is refused or breaks off."""
    limits = Limits.of(settings)
    async with database.on_behalf_of(owner.tenant_id) as connection:
        held = await DatasetRepository(connection, owner.tenant_id).holdings()
    limits.check(held.and_dataset())
    allowance = limits.left(held)
    allowance.check(incoming.least_bytes)
    storage.check_room(incoming.least_bytes)
    dataset_id = uuid7()
    key = lifecycle.object_key(owner.tenant_id, dataset_id)
    size, sha256 = await storage.put_stream(
        settings.s3_datasets_bucket,
        key,
        incoming.chunks(allowance),
        check=incoming.check,
    )
    said = incoming.said
    return Upload(
        id=dataset_id,
        name=said.name,
        labels=said.labels,
        options=said.options,
        object_key=key,
        size_bytes=size,
        sha256=sha256,
    )


async def create(
    database: Database,
    storage: Storage,
    settings: Settings,
    owner: Principal,
    upload: Upload,
    *,
    head: Cursor,
    idempotency_key: str | None,
) -> Response[Any]:
    """201 with the new dataset, or what the key was answered before to these bytes and name."""
    made: list[Dataset] = []
    try:
        async with database.on_behalf_of(owner.tenant_id) as connection:
            datasets = DatasetRepository(connection, owner.tenant_id)

            async def make() -> Dataset:
                made.append(await settle(datasets, owner, upload, head))
                Limits.of(settings).check(await datasets.holdings())
                return made[0]

            once = Once(connection, owner.tenant_id, ROUTE, idempotency_key)
            content = {"sha256": upload.sha256, "name": upload.name}
            answer = await once.answer(content, make, location=place_of)
    except (IdempotencyKeyBusy, IdempotencyKeyReused, *REFUSALS):
        await discard(storage, settings, upload.object_key)
        raise
    if not made or made[0].deduplicated_from is not UNSET:
        await discard(storage, settings, upload.object_key)
    return answer


async def settle(
    datasets: DatasetRepository,
    owner: Principal | Owner,
    upload: Upload,
    head: Cursor,
) -> Dataset:
    """Make stored bytes a dataset; if they were there already, it shares the older object."""
    twin = await datasets.with_bytes(upload.sha256, upload.size_bytes)
    if twin is not None:
        upload = replace(upload, object_key=twin.object_key)
    stored, *told = lifecycle.create(upload, owner, now())
    await datasets.add(stored)
    await datasets.record(*told)
    return stored.shown(str(head), deduplicated_from=twin.id if twin else None)


async def discard(storage: Storage, settings: Settings, key: str) -> None:
    """Remove an object that no dataset needs; what does not succeed is collected later."""
    with suppress(StorageAway):
        await storage.delete(settings.s3_datasets_bucket, key)


def place_of(dataset: Dataset) -> str:
    return f"{ROUTE}/{dataset.id}"


async def rename(
    datasets: DatasetRepository, dataset_id: UUID, order: RenameDataset, head: Cursor
) -> Dataset:
    dataset = await datasets.get(dataset_id, lock=True)
    name = dataset.name if order.name is UNSET else names.clean(order.name)
    if not name:
        raise NameInvalid
    labels = dataset.labels if order.labels is UNSET else check_labels(order.labels)
    changed = replace(dataset, name=name, labels=labels, updated_at=now())
    await datasets.update(changed)
    return changed.shown(str(head))


async def delete(
    datasets: DatasetRepository,
    dataset_id: UUID,
    grace_s: float,
    *,
    by: UUID,
    purge: bool,
) -> None:
    """Into the trash; `purge` is for good, also out of the trash."""
    dataset = await datasets.find(dataset_id, lock=True)
    if dataset is None or dataset.purged_at is not None:
        raise DatasetNotFound
    told: list[Event] = []
    if dataset.status is not DatasetStatus.DELETED:
        dataset, deleted = trash.delete(dataset, now(), grace_s, by)
        told.append(deleted)
    elif not purge:
        raise DatasetNotFound
    if purge:
        dataset, purged = trash.purge(dataset, now())
        told.append(purged)
    await datasets.update(dataset)
    await datasets.record(*told)


async def restore(datasets: DatasetRepository, dataset_id: UUID, head: Cursor) -> Dataset:
    """Out of the trash."""
    dataset = await datasets.find(dataset_id, lock=True)
    if dataset is None:
        raise DatasetNotFound
    back, told = trash.restore(dataset, now())
    await datasets.update(back)
    await datasets.record(*told)
    return back.shown(str(head))


async def ingest_again(
    datasets: DatasetRepository, dataset_id: UUID, options: IngestOptions, head: Cursor
) -> Dataset:
    """Read the kept bytes otherwise; jobs that are handed in meanwhile wait for it."""
    dataset = await datasets.get(dataset_id, lock=True)
    changed, told = again.ingest_again(dataset, options, now())
    await datasets.update(changed)
    await datasets.record(told)
    return changed.shown(str(head))


async def accept(
    datasets: DatasetRepository,
    done: JobSucceeded,
    read_artifact: ReadArtifact,
) -> None:
    """A succeeded ingest makes its dataset ready; other system jobs and repetitions do nothing."""
    if done.dataset_id is None or done.frame is None:
        return
    dataset = await datasets.find(done.dataset_id, lock=True)
    if dataset is None or not dataset.is_read_by(done.job_id):
        return
    ready = replace(dataset, status=DatasetStatus.READY, frame=done.frame)
    ingested = conclusions.found(done)
    if ingested is None:
        profile = await read_artifact(ready.artifact("profile.json"))
        told = msgspec.json.decode(profile, type=Profiled)
        about = msgspec.structs.asdict(told.detected or Detected(format="unknown"))
        ingested = Ingested(**about, rows=done.frame.rows, columns=told.columns)
    changed, event = conclusions.ready(dataset, done, ingested, done.frame)
    await datasets.update(changed)
    await datasets.record(event)


async def conclude(datasets: DatasetRepository, ended: Unsuccessful) -> None:
    """An ingest that ended otherwise rejects its dataset, or leaves it with its former table."""
    dataset = await datasets.find(ended.dataset_id, lock=True) if ended.dataset_id else None
    if dataset is None or not dataset.is_read_by(ended.job_id):
        return
    changed, event = conclusions.unsuccessful(dataset, ended)
    await datasets.update(changed)
    await datasets.record(event)


async def answer_for(database: Database, question: AskDataset) -> KnownDataset:
    """What the jobs service may know of a dataset; no status where it is not the tenant's."""
    async with database.on_behalf_of(question.tenant_id) as connection:
        datasets = DatasetRepository(connection, question.tenant_id)
        dataset = await datasets.find(question.dataset_id)
    if dataset is None:
        return KnownDataset()
    return KnownDataset(status=dataset.status, frame=dataset.frame, origin=dataset.origin)
