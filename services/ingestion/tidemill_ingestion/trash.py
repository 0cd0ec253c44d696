"""The trash: pure decisions about datasets on their way out, and back."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from tidemill_contracts.datasets import (
    DatasetDeleted,
    DatasetPurged,
    DatasetRestored,
    DatasetStatus,
    DatasetUploaded,
)
from tidemill_ingestion import again
from tidemill_ingestion.lifecycle import DatasetNotFound, StoredDataset
from tidemill_kit.errors import Conflict


class DatasetNotDeleted(Conflict):
    """The dataset is not in the trash."""


def delete(
    dataset: StoredDataset,
    moment: datetime,
    grace_s: float,
    by: UUID | None,
) -> tuple[StoredDataset, DatasetDeleted]:
    """Into the trash, for so many seconds."""
    seq = dataset.seq + 1
    event = DatasetDeleted(
        dataset_id=dataset.id,
        tenant_id=dataset.tenant_id,
        seq=seq,
        at=moment,
        by=by,
    )
    gone = replace(
        dataset,
        status=DatasetStatus.DELETED,
        trashed_as=dataset.status,
        updated_at=moment,
        deleted_at=moment,
        purge_at=moment + timedelta(seconds=grace_s),
        seq=seq,
    )
    return gone, event


def restore(
    dataset: StoredDataset,
    moment: datetime,
) -> tuple[StoredDataset, list[DatasetRestored | DatasetUploaded]]:
    """Out of the trash, as it was; what was being validated is validated from the start."""
    if dataset.purged_at is not None:
        raise DatasetNotFound
    if dataset.status is not DatasetStatus.DELETED or dataset.trashed_as is None:
        raise DatasetNotDeleted(dataset_status=dataset.status.value)
    back = replace(
        dataset,
        status=dataset.trashed_as,
        trashed_as=None,
        updated_at=moment,
        deleted_at=None,
        purge_at=None,
        seq=dataset.seq + 1,
    )
    restored = DatasetRestored(
        dataset_id=back.id,
        tenant_id=back.tenant_id,
        seq=back.seq,
        at=moment,
        status=back.status,
        frame=back.frame,
    )
    if back.status is not DatasetStatus.VALIDATING or back.origin is not None:
        return back, [restored]
    reread, told = again.anew(back, moment)
    return reread, [restored, told]


def purge(
    dataset: StoredDataset,
    moment: datetime,
) -> tuple[StoredDataset, DatasetPurged]:
    """Gone for good; its objects may be removed from now on."""
    seq = dataset.seq + 1
    event = DatasetPurged(dataset_id=dataset.id, tenant_id=dataset.tenant_id, seq=seq, at=moment)
    return replace(dataset, updated_at=moment, purged_at=moment, seq=seq), event
