"""How ingest ends for a dataset: pure decisions."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, convert
from msgspec.structs import replace

from tidemill_contracts import catalogue
from tidemill_contracts.datasets import (
    DatasetError,
    DatasetReady,
    DatasetRejected,
    DatasetStatus,
    Frame,
    Ingested,
    Reading,
)
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.job_events import JobCancelled, JobExpired, JobFailed, JobSucceeded
from tidemill_ingestion.lifecycle import StoredDataset

MAX_MESSAGE_CHARACTERS = 2_000
type Unsuccessful = JobFailed | JobCancelled | JobExpired


def found(done: JobSucceeded) -> Ingested | None:
    """What ingest says it found; None where that was too large for the event."""
    value = done.result.value if done.result else UNSET
    return None if value is UNSET else convert(value, Ingested)


def ready(
    dataset: StoredDataset,
    done: JobSucceeded,
    ingested: Ingested,
    frame: Frame,
) -> tuple[StoredDataset, DatasetReady]:
    """A finished ingest makes the dataset ready, with a new table if it had one."""
    changed = replace(
        _after(dataset, done.at),
        status=DatasetStatus.READY,
        format=ingested.format,
        rows=frame.rows,
        columns=ingested.columns,
        frame=frame,
        ingested=ingested,
        artifacts=done.artifacts,
        job_id=done.job_id,
    )
    return changed, _told(changed, ingested, frame, done.job_id)


def unsuccessful(
    dataset: StoredDataset, ended: Unsuccessful
) -> tuple[StoredDataset, DatasetReady | DatasetRejected]:
    """An ingest that ended otherwise rejects the dataset, unless it has a table from before."""
    reading, frame, ingested = dataset.reading, dataset.frame, dataset.ingested
    if reading is None or frame is None or ingested is None:
        return _reject(dataset, ended)
    failed = replace(reading, error=reason(ended), ended_at=ended.at)
    changed = replace(
        dataset,
        status=DatasetStatus.READY,
        reading=failed,
        updated_at=ended.at,
        seq=dataset.seq + 1,
    )
    return changed, _told(changed, ingested, frame, dataset.job_id or ended.job_id)


def reason(ended: Unsuccessful) -> DatasetError:
    match ended:
        case JobCancelled():
            return DatasetError("ingest_cancelled", "Ingest was cancelled.")
        case JobExpired():
            return DatasetError("ingest_expired", "Ingest waited longer than allowed.")
        case JobFailed():
            return DatasetError(ended.error.code, ended.error.message[:MAX_MESSAGE_CHARACTERS])


def _reject(dataset: StoredDataset, ended: Unsuccessful) -> tuple[StoredDataset, DatasetRejected]:
    changed = replace(
        _after(dataset, ended.at),
        status=DatasetStatus.REJECTED,
        error=reason(ended),
        job_id=ended.job_id,
    )
    event = DatasetRejected(
        dataset_id=changed.id,
        tenant_id=changed.tenant_id,
        seq=changed.seq,
        at=ended.at,
        error=reason(ended),
        job_id=ended.job_id,
    )
    return changed, event


def _after(dataset: StoredDataset, moment: datetime) -> StoredDataset:
    """The dataset once a reading counts: it was read as that one's options say."""
    options = dataset.reading.options if dataset.reading else dataset.options
    seq = dataset.seq + 1
    return replace(dataset, options=options, reading=None, updated_at=moment, seq=seq)


def _told(dataset: StoredDataset, ingested: Ingested, frame: Frame, job_id: UUID) -> DatasetReady:
    """That it is ready; too many columns, or options, are left out."""
    event = DatasetReady(
        dataset_id=dataset.id,
        tenant_id=dataset.tenant_id,
        seq=dataset.seq,
        at=dataset.updated_at,
        frame=frame,
        ingested=ingested,
        job_id=job_id,
        reading=dataset.reading or UNSET,
    )
    if _is_large(event):
        event = replace(event, ingested=replace(ingested, columns=[]))
    if _is_large(event) and isinstance(event.reading, Reading):
        event = replace(event, reading=replace(event.reading, options={}))
    return event


def _is_large(event: DatasetReady) -> bool:
    return len(catalogue.encode(event)) > MAX_EVENT_BYTES
