"""Whatever happens to a dataset in whatever order, a table that it once had is not lost."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.datasets import (
    DatasetDeleted,
    DatasetEvent,
    DatasetReady,
    DatasetRejected,
    DatasetRestored,
    DatasetStatus,
    DatasetUploaded,
    Frame,
    Ingested,
    IngestOptions,
    Part,
)
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobCancelled, JobFailed, JobSucceeded
from tidemill_contracts.jobs import Cancel, JobError
from tidemill_ingestion import again, conclusions, lifecycle, trash
from tidemill_ingestion.lifecycle import Owner, StoredDataset, Upload

STEPS = st.sampled_from(["read", "succeed", "succeed", "fail", "cancel", "delete", "restore"])
WHOSE = st.sampled_from(["own", "own", "own", "older"])
MOMENT = now()


class Kept:
    """A dataset with all that was told of it."""

    def __init__(self) -> None:
        said: dict[str, Any] = {"labels": {}, "options": {}, "object_key": "k"}
        upload = Upload(id=uuid7(), name="a", size_bytes=1, sha256="0" * 64, **said)
        self.dataset, *told = lifecycle.create(upload, Owner(uuid7(), uuid7()), MOMENT)
        self.told: list[DatasetEvent] = [*told]

    @property
    def readers(self) -> list[DatasetUploaded]:
        return [event for event in self.told if isinstance(event, DatasetUploaded)]

    def do(self, step: str, whose: str) -> None:
        """What the use cases make of it; what they refuse changes nothing."""
        dataset = self.dataset
        here = dataset.status is not DatasetStatus.DELETED
        if step == "read" and here and dataset.status is not DatasetStatus.VALIDATING:
            self._became(again.ingest_again(dataset, IngestOptions(depth=1), MOMENT))
        elif step == "delete" and here:
            self._became(trash.delete(dataset, MOMENT, 60, uuid7()))
        elif step == "restore" and not here:
            restored, told = trash.restore(dataset, MOMENT)
            self._became((restored, *told))
        elif step in ("succeed", "fail", "cancel"):
            self._end(step, self.readers[-1 if whose == "own" else 0])

    def _end(self, step: str, order: DatasetUploaded) -> None:
        if not self.dataset.is_read_by(order.id):
            return
        about: dict[str, Any] = {"job_id": order.id, "tenant_id": order.tenant_id, "seq": 4}
        if step == "succeed":
            parts = [Part(f"t/{order.id}/1-x/ingest/p", 1, 1, "0" * 64)]
            done = JobSucceeded(**about, attempt=1, dataset_id=order.dataset_id)
            found = Ingested(format="csv", rows=1, columns=[])
            self._became(conclusions.ready(self.dataset, done, found, Frame(parts, 1)))
        elif step == "fail":
            error = JobError(code="c", message="m")
            self._became(
                conclusions.unsuccessful(self.dataset, JobFailed(**about, attempt=1, error=error))
            )
        else:
            ended = JobCancelled(**about, cancel=Cancel(requested_at=MOMENT))
            self._became(conclusions.unsuccessful(self.dataset, ended))

    def _became(self, changed: tuple[StoredDataset, *tuple[DatasetEvent, ...]]) -> None:
        self.dataset, *told = changed
        self.told += told


def folded(told: list[DatasetEvent]) -> tuple[DatasetStatus, Frame | None]:
    """What a reader of the events makes of them."""
    status, frame = DatasetStatus.UPLOADING, None
    for event in told:
        match event:
            case DatasetUploaded():
                status = DatasetStatus.VALIDATING
            case DatasetReady():
                status, frame = DatasetStatus.READY, event.frame
            case DatasetRejected():
                status = DatasetStatus.REJECTED
            case DatasetDeleted():
                status = DatasetStatus.DELETED
            case DatasetRestored():
                status = event.status
            case _:
                pass
    return status, frame


@given(st.lists(st.tuples(STEPS, WHOSE), max_size=14))
def test_a_table_is_kept_until_there_is_another(steps: list[tuple[str, str]]) -> None:
    kept = Kept()
    frames = list[Frame | None]()

    for step, whose in steps:
        kept.do(step, whose)
        frames.append(kept.dataset.frame)

    dataset = kept.dataset
    had = [frame for frame in frames if frame is not None]
    assert [event.seq for event in kept.told] == list(range(1, dataset.seq + 1))
    assert folded(kept.told) == (dataset.status, dataset.frame)
    assert None not in frames[len(frames) - len(had) :]
    assert not had or dataset.status is not DatasetStatus.REJECTED
    if dataset.status is DatasetStatus.VALIDATING:
        assert dataset.is_read_by(kept.readers[-1].id)
    if dataset.frame is not None and dataset.status is not DatasetStatus.DELETED:
        assert dataset.table() == dataset.frame
