"""What ingestion makes of the endings of ingest jobs, and what it tells the jobs service."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from tidemill_contracts.catalogue import encode
from tidemill_contracts.datasets import Column, DatasetStatus, Frame, Ingested, KnownDataset, Part
from tidemill_contracts.event import MAX_EVENT_BYTES
from tidemill_contracts.ids import now
from tidemill_contracts.job_events import JobCancelled, JobExpired, JobFailed, JobSucceeded
from tidemill_contracts.jobs import Cancel, JobError, Result
from tidemill_contracts.log import AskDataset
from tidemill_ingestion.consumers import ASKED, reactions
from tidemill_kit import bus
from tidemill_kit.settings import Settings, load
from tidemill_kit.storage import Storage
from tidemill_stack.stack import Stack

RESULTS = "tidemill-results"
INGESTED = Ingested(format="csv", rows=3, columns=[Column(name="a", type="int64")], rejects=1)
ERROR = JobError(code="too_many_bad_rows", message="too many", traceback="deep inside")
type Ending = JobSucceeded | JobFailed | JobCancelled | JobExpired


def succeeded(dataset: dict[str, Any], caller: Any, ingested: Ingested | None) -> JobSucceeded:
    job_id = uuid4()
    folder = f"{UUID(caller.tenant_id).hex}/{job_id.hex}/1-{uuid4().hex}/ingest"
    value = {"value": msgspec.to_builtins(ingested)} if ingested else {}
    return JobSucceeded(
        job_id=job_id,
        tenant_id=UUID(caller.tenant_id),
        seq=4,
        system=True,
        attempt=1,
        result=Result(**value),
        dataset_id=UUID(dataset["id"]),
        frame=Frame([Part(f"{folder}/part-00000.parquet", 3, 500, "0" * 64)], 1),
    )


def ended(kind: type[Ending], dataset: dict[str, Any], caller: Any) -> Ending:
    about: dict[str, Any] = {
        "job_id": uuid4(),
        "tenant_id": UUID(caller.tenant_id),
        "seq": 4,
        "system": True,
        "dataset_id": UUID(dataset["id"]),
    }
    if kind is JobFailed:
        return JobFailed(**about, attempt=1, error=ERROR)
    if kind is JobCancelled:
        return JobCancelled(**about, cancel=Cancel(requested_at=now()))
    return JobExpired(**about, error=ERROR)


async def react(ingestion: Any, store: Storage, event: Ending) -> None:
    async def read_artifact(key: str) -> bytes:
        return await store.get_bytes(RESULTS, key)

    reaction = reactions(read_artifact, trash_s=60).reactions[event.type]
    async with ingestion.app.state.database.transaction() as connection:
        await reaction(event, connection)


async def shown(caller: Any, dataset: dict[str, Any]) -> dict[str, Any]:
    return (await caller.http.get(f"/v1/datasets/{dataset['id']}")).json()


async def told(caller: Any, dataset: dict[str, Any]) -> list[dict[str, Any]]:
    return (await caller.http.get(f"/v1/datasets/{dataset['id']}/events")).json()["items"]


async def test_a_succeeded_ingest_makes_the_dataset_ready(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    done = succeeded(uploaded, ann, INGESTED)

    await react(ingestion, store, done)

    dataset, event = await shown(ann, uploaded), (await told(ann, uploaded))[-1]
    assert (dataset["status"], dataset["format"], dataset["rows"]) == ("ready", "csv", 3)
    assert dataset["columns"] == [{"name": "a", "type": "int64", "nulls": 0}]
    assert (event["type"], event["seq"], event["job_id"]) == ("dataset.ready", 3, str(done.job_id))
    assert event["frame"]["parts"][0]["rows"] == 3


async def test_a_repeated_ending_changes_nothing(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    await react(ingestion, store, succeeded(uploaded, ann, INGESTED))

    await react(ingestion, store, succeeded(uploaded, ann, INGESTED))
    await react(ingestion, store, ended(JobFailed, uploaded, ann))

    assert (await shown(ann, uploaded))["seq"] == 3
    assert len(await told(ann, uploaded)) == 3


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (JobFailed, "too_many_bad_rows"),
        (JobCancelled, "ingest_cancelled"),
        (JobExpired, "ingest_expired"),
    ],
)
async def test_an_ingest_that_ends_otherwise_rejects_the_dataset(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
    *,
    kind: type[Ending],
    code: str,
) -> None:
    await react(ingestion, store, ended(kind, uploaded, ann))

    dataset, event = await shown(ann, uploaded), (await told(ann, uploaded))[-1]
    assert (dataset["status"], dataset["error"]["code"]) == ("rejected", code)
    assert (event["type"], event["error"]["code"]) == ("dataset.rejected", code)
    assert "traceback" not in event["error"]


async def test_a_deleted_dataset_stays_deleted(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    await ann.http.delete(f"/v1/datasets/{uploaded['id']}")

    await react(ingestion, store, succeeded(uploaded, ann, INGESTED))

    assert (await ann.http.get(f"/v1/datasets/{uploaded['id']}")).status_code == 404


async def test_another_tenants_job_cannot_end_an_ingest(
    ingestion: Any,
    store: Storage,
    ann: Any,
    bob: Any,
    uploaded: dict[str, Any],
) -> None:
    await react(ingestion, store, succeeded(uploaded, bob, INGESTED))

    assert (await shown(ann, uploaded))["status"] == "validating"


async def test_a_system_job_without_a_dataset_is_none_of_ours(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    done = msgspec.structs.replace(succeeded(uploaded, ann, INGESTED), dataset_id=None)

    await react(ingestion, store, done)

    assert (await shown(ann, uploaded))["status"] == "validating"


async def test_two_thousand_columns_fit_where_an_event_cannot_hold_them(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    columns = [Column(name=f"measurement {number:05}", type="float64") for number in range(2_000)]
    wide = msgspec.structs.replace(INGESTED, columns=columns)
    assert len(encode(succeeded(uploaded, ann, wide))) > MAX_EVENT_BYTES

    await react(ingestion, store, succeeded(uploaded, ann, wide))

    assert len((await shown(ann, uploaded))["columns"]) == 2_000
    assert (await told(ann, uploaded))[-1]["ingested"]["columns"] == []


async def test_what_was_too_large_for_the_event_is_read_from_the_profile(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    done = succeeded(uploaded, ann, None)
    assert done.frame is not None
    folder = done.frame.parts[0].key.rpartition("/")[0]
    figures = {"rows": 3, "columns": [{"name": "a", "type": "int64", "nulls": 1, "mean": 2.5}]}
    await store.put_bytes(RESULTS, f"{folder}/profile.json", msgspec.json.encode(figures))

    await react(ingestion, store, done)

    dataset = await shown(ann, uploaded)
    profile = await ann.http.get(f"/v1/datasets/{uploaded['id']}/profile")
    assert dataset["columns"] == [{"name": "a", "type": "int64", "nulls": 1}]
    assert (profile.status_code, profile.json()) == (200, figures)


async def test_what_ingest_left_can_be_had(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    done = succeeded(uploaded, ann, INGESTED)
    assert done.frame is not None
    folder = done.frame.parts[0].key.rpartition("/")[0]
    await store.put_bytes(RESULTS, f"{folder}/preview.json", b'{"columns": [], "rows": []}')
    await store.put_bytes(RESULTS, done.frame.parts[0].key, b"rows")
    await react(ingestion, store, done)
    path = f"/v1/datasets/{uploaded['id']}"

    preview = await ann.http.get(f"{path}/preview")
    profile = await ann.http.get(f"{path}/profile")
    rejects = await ann.http.get(f"{path}/rejects?redirect=false")
    parquet = await ann.http.get(f"{path}/content?format=parquet")

    assert preview.json() == {"columns": [], "rows": []}
    assert (profile.status_code, profile.json()["code"]) == (410, "artifact_gone")
    assert f"{folder}/rejects.ndjson" in rejects.json()["uri"]
    assert f"{folder}/part-00000.parquet" in parquet.headers["location"]


async def test_without_bad_rows_there_are_no_rejects(
    ingestion: Any,
    store: Storage,
    ann: Any,
    uploaded: dict[str, Any],
) -> None:
    clean = msgspec.structs.replace(INGESTED, rejects=0)
    await react(ingestion, store, succeeded(uploaded, ann, clean))

    answer = await ann.http.get(f"/v1/datasets/{uploaded['id']}/rejects")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_rejects")


async def test_the_jobs_service_may_ask_for_a_dataset(
    infra: Stack,
    ann: Any,
    bob: Any,
    uploaded: dict[str, Any],
) -> None:
    client = await bus.connect(load(Settings, infra.env("jobs")), "test")

    async def ask(caller: Any) -> KnownDataset:
        question = AskDataset(tenant_id=UUID(caller.tenant_id), dataset_id=UUID(uploaded["id"]))
        return await bus.call(client, ASKED, question, KnownDataset)

    own, foreign = await ask(ann), await ask(bob)
    await client.close()

    assert own.status is DatasetStatus.VALIDATING
    assert foreign.status is None
