"""Reading uploaded bytes once more, otherwise: the pure decision."""

from datetime import datetime

from msgspec import to_builtins
from msgspec.structs import replace

from tidemill_contracts.datasets import DatasetStatus, DatasetUploaded, IngestOptions
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
    """Have the kept bytes read once more, otherwise; what was made of them so far is void."""
    if dataset.status is DatasetStatus.VALIDATING:
        raise StillValidating
    if dataset.origin is not None:
        raise NothingUploaded
    changed = replace(
        dataset,
        status=DatasetStatus.VALIDATING,
        options=to_builtins(options),
        format=None,
        rows=None,
        columns=None,
        error=None,
        frame=None,
        ingested=None,
        artifacts={},
        updated_at=moment,
        seq=dataset.seq + 1,
    )
    return changed, uploaded(changed)
