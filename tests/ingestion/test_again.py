"""A dataset that was read wrong is read again from its kept bytes."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from tests.ingestion.test_conclusions import (
    INGESTED,
    RESULTS,
    Ending,
    ended,
    react,
    shown,
    succeeded,
    told,
)
from tests.ingestion.test_trash import saved_from_a_result, upload
from tidemill_contracts.catalogue import decode, encode
from tidemill_contracts.datasets import (
    Column,
    DatasetReady,
    DatasetRestored,
    DatasetStatus,
    Frame,
    IngestOptions,
    Part,
    Reading,
)
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.job_events import JobCancelled, JobExpired, JobFailed
from tidemill_contracts.jobs import JobError
from tidemill_ingestion import conclusions, trash
from tidemill_ingestion.again import NothingUploaded, ingest_again
from tidemill_ingestion.lifecycle import StoredDataset
from tidemill_kit.storage import Storage

type SignIn = Callable[..., Awaitable[Any]]
PREVIEW = b'{"columns": ["a"], "rows": []}'


@pytest.fixture
async def reread(
    ingestion: Any, store: Storage, ann: Any, uploaded: dict[str, Any]
) -> dict[str, Any]:
    """A dataset of Ann's that was ready and is being read again."""
    done = succeeded(uploaded, ann, INGESTED)
    assert done.frame
    folder = done.frame.parts[0].key.rpartition("/")[0]
    await store.put_bytes(RESULTS, f"{folder}/preview.json", PREVIEW)
    await react(ingestion, store, done)
    path = f"/v1/datasets/{uploaded['id']}/ingest"
    return (await ann.http.post(path, json={"delimiter": ";"})).json()


def by_its_job[E: Ending](event: E, dataset: dict[str, Any]) -> E:
    return replace(event, job_id=UUID(dataset["reading"]["job_id"]))


async def test_what_is_being_read_is_not_read_twice_at_once(sign_in: SignIn) -> None:
    caller = await sign_in()
    made = await upload(caller, b"a;b\n1;2\n")
    path = f"/v1/datasets/{made['id']}/ingest"

    answer = await caller.http.post(path, json={"delimiter": ";"})
    unknown = await caller.http.post(path, json={"delimiters": ";"})

    assert (answer.status_code, answer.json()["code"]) == (409, "still_validating")
    assert unknown.status_code == 400


async def test_nobody_reads_anothers_dataset_again(sign_in: SignIn) -> None:
    caller, stranger = await sign_in(), await sign_in()
    made = await upload(caller, b"a;b\n1;2\n")

    answer = await stranger.http.post(f"/v1/datasets/{made['id']}/ingest", json={})

    assert answer.status_code == 404


def test_what_was_saved_from_a_result_has_no_bytes_to_read() -> None:
    ended = replace(saved_from_a_result(), status=DatasetStatus.REJECTED)

    with pytest.raises(NothingUploaded):
        ingest_again(ended, IngestOptions(), now())


async def test_the_former_table_can_be_looked_at_while_it_is_read_again(
    ann: Any, reread: dict[str, Any]
) -> None:
    path = f"/v1/datasets/{reread['id']}"

    preview = await ann.http.get(f"{path}/preview")
    event = (await told(ann, reread))[-1]

    assert (reread["status"], reread["rows"]) == ("validating", 3)
    assert (preview.status_code, preview.content) == (200, PREVIEW)
    assert (event["type"], event["options"]) == ("dataset.uploaded", {"delimiter": ";"})
    assert (reread["reading"]["job_id"], reread["reading"]["options"]) == (
        event["id"],
        {"delimiter": ";"},
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (JobFailed, "too_many_bad_rows"),
        (JobCancelled, "ingest_cancelled"),
        (JobExpired, "ingest_expired"),
    ],
)
async def test_what_cannot_be_read_anew_keeps_its_former_table(
    ingestion: Any,
    store: Storage,
    ann: Any,
    reread: dict[str, Any],
    *,
    kind: type[Ending],
    code: str,
) -> None:
    await react(ingestion, store, by_its_job(ended(kind, reread, ann), reread))

    dataset, event = await shown(ann, reread), (await told(ann, reread))[-1]
    preview = await ann.http.get(f"/v1/datasets/{reread['id']}/preview")
    assert (dataset["status"], dataset["rows"], "error" in dataset) == ("ready", 3, False)
    assert dataset["reading"]["error"]["code"] == code
    assert dataset["reading"]["options"] == {"delimiter": ";"}
    assert dataset["reading"]["ended_at"] == dataset["updated_at"]
    assert event["type"] == "dataset.ready"
    assert event["reading"] == dataset["reading"]
    assert event["frame"]["parts"][0]["rows"] == 3
    assert event["job_id"] != dataset["reading"]["job_id"]
    assert preview.content == PREVIEW


async def test_a_new_table_takes_the_place_of_the_former_and_of_what_failed(
    ingestion: Any, store: Storage, ann: Any, reread: dict[str, Any]
) -> None:
    await react(ingestion, store, by_its_job(ended(JobFailed, reread, ann), reread))
    path = f"/v1/datasets/{reread['id']}/ingest"
    anew = (await ann.http.post(path, json={"delimiter": "|"})).json()
    found = replace(INGESTED, columns=[Column(name="b", type="string")])

    await react(ingestion, store, by_its_job(succeeded(anew, ann, found), anew))

    dataset = await shown(ann, reread)
    assert "error" not in anew["reading"]
    assert (dataset["status"], dataset["columns"][0]["name"]) == ("ready", "b")
    assert dataset["options"] == {"delimiter": "|"}
    assert "reading" not in dataset


async def test_only_its_own_job_ends_a_reading(
    ingestion: Any, store: Storage, ann: Any, reread: dict[str, Any]
) -> None:
    await react(ingestion, store, succeeded(reread, ann, INGESTED))
    await react(ingestion, store, ended(JobFailed, reread, ann))

    assert await shown(ann, reread) | {"cursor": ""} == reread | {"cursor": ""}


def being_read(columns: list[Column], options: IngestOptions) -> tuple[StoredDataset, JobFailed]:
    """A dataset that has a table and is read again, and that reading's end."""
    folder = f"{uuid7()}/{uuid7()}/1-x/ingest"
    parts = [Part(f"{folder}/part-{n:05}.parquet", 3, 500, "0" * 64) for n in range(60)]
    found = replace(INGESTED, columns=columns)
    table = replace(
        saved_from_a_result(),
        status=DatasetStatus.READY,
        origin=None,
        frame=Frame(parts, len(columns)),
        ingested=found,
        job_id=uuid7(),
    )
    dataset, event = ingest_again(table, options, now())
    about: dict[str, Any] = {"job_id": event.id, "tenant_id": table.tenant_id, "seq": 4}
    error = JobError(code="contract_broken", message="it is broken")
    return dataset, JobFailed(**about, dataset_id=table.id, attempt=1, error=error)


def test_what_is_restored_from_the_trash_is_read_anew_by_another_job() -> None:
    dataset, _ = being_read([], IngestOptions(delimiter=";"))
    gone, _ = trash.delete(dataset, now(), 60, uuid7())

    back, (restored, uploaded) = trash.restore(gone, now())

    assert (back.status, back.frame) == (DatasetStatus.VALIDATING, dataset.frame)
    assert isinstance(restored, DatasetRestored)
    assert isinstance(back.reading, Reading)
    assert dataset.reading
    assert uploaded.id == back.reading.job_id != dataset.reading.job_id
    assert back.is_read_by(uploaded.id)
    assert not back.is_read_by(dataset.reading.job_id)


def test_that_it_is_ready_again_fits_into_an_event_whatever_was_asked_for() -> None:
    names = [f"measurement {number:05}" for number in range(2_000)]
    columns = [Column(name=name, type="float64") for name in names]
    dataset, ended = being_read(columns, IngestOptions(types=dict.fromkeys(names, "float64")))

    changed, event = conclusions.unsuccessful(dataset, ended)

    assert len(encode(event)) <= MAX_EVENT_BYTES
    assert isinstance(event, DatasetReady)
    assert isinstance(event.reading, Reading)
    assert (event.ingested.columns, event.reading.options) == ([], {})
    assert changed.reading
    assert len(changed.reading.options["types"]) == 2_000
    assert decode(encode(event)) == event
