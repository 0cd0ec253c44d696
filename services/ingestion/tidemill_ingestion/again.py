"""Reading uploaded bytes once more, otherwise: the pure decision."""

from datetime import datetime

from msgspec import to_builtins
from msgspec.structs import replace

from tidemill_contracts.datasets import DatasetStatus, DatasetUploaded, IngestOptions, Reading
from tidemill_contracts.ids import uuid7
from tidemill_ingestion.lifecycle import StoredDataset, uploaded
from tidemill_kit.errors import Conflict


class StillValidating(Conflict):
    """The dataset is being read already; wait for it, or cancel its job."""


class NothingUploaded(Conflict):
    """The dataset was saved from a job's result: there are no bytes to read again."""


def ingest_again(
    dataset: StoredDataset,
    options: IngestOptions,
    moment: datetime,
) -> tuple[StoredDataset, DatasetUploaded]:
    """Have the kept bytes read once more, otherwise; its table stays until there is a new one."""
    if dataset.status is DatasetStatus.VALIDATING:
        raise StillValidating
    if dataset.origin is not None:
        raise NothingUploaded
    reading = Reading(job_id=uuid7(), options=to_builtins(options), begun_at=moment)
    return _begun(replace(dataset, reading=reading, error=None), moment)


def anew(dataset: StoredDataset, moment: datetime) -> tuple[StoredDataset, DatasetUploaded]:
    """Have the bytes read from the start, by another job than the one that has begun."""
    reading = dataset.reading and replace(dataset.reading, job_id=uuid7())
    return _begun(replace(dataset, reading=reading), moment)


def _begun(dataset: StoredDataset, moment: datetime) -> tuple[StoredDataset, DatasetUploaded]:
    changed = replace(
        dataset, status=DatasetStatus.VALIDATING, updated_at=moment, seq=dataset.seq + 1
    )
    return changed, uploaded(changed)
