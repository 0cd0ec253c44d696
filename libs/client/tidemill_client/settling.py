"""Which items of the stream tell of a dataset that is being read, and which that it has ended."""

from tidemill_client.subscription import Item, Received
from tidemill_contracts.datasets import (
    Dataset,
    DatasetDeleted,
    DatasetReady,
    DatasetRejected,
    DatasetStatus,
    Reading,
)
from tidemill_contracts.stream import Gap, Progressed

SETTLED = (DatasetReady, DatasetRejected, DatasetDeleted)
UNSETTLED = frozenset({DatasetStatus.UPLOADING, DatasetStatus.VALIDATING})
TOLD = ("dataset.*", "job.progress")


def concerns(item: Item, dataset: Dataset) -> bool:
    """Whether it is news of this dataset, or progress of the job that reads it again."""
    if isinstance(item, Received):
        return item.event.key == dataset.id and item.event.seq > dataset.seq
    if isinstance(item, Progressed) and isinstance(dataset.reading, Reading):
        return item.job_id == dataset.reading.job_id
    return isinstance(item, Gap)


def settles(item: Item, dataset: Dataset) -> bool:
    """Whether there is nothing to wait for any more, or that cannot be known from the stream."""
    if isinstance(item, Received):
        return isinstance(item.event, SETTLED) and concerns(item, dataset)
    return isinstance(item, Gap)
