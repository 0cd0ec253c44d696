"""A JSON file is uploaded, processed and told about over the WebSocket."""

import hashlib
from pathlib import Path

import pytest

from tests.e2e.people import Person, canonical, types, until
from tidemill_contracts.datasets import (
    DatasetCreated,
    DatasetReady,
    DatasetRejected,
    DatasetStatus,
    DatasetUploaded,
)


@pytest.mark.parametrize("name", ["cars.json", "wheat.json", "anscombe.json"])
async def test_who_listens_before_the_upload_sees_the_file_come_and_get_ready(
    ann: Person, real_files: Path, name: str
) -> None:
    file = real_files / name

    async with ann.client.live("all", types=["dataset.*"]) as items:
        sent = await ann.client.upload(file, labels={"team": "blue"})
        events = await until(items, DatasetReady, of=sent.id)

    match [each.event for each in events]:
        case [DatasetCreated() as created, DatasetUploaded() as uploaded, DatasetReady() as ready]:
            assert [created.seq, uploaded.seq, ready.seq] == [1, 2, 3]
            assert (created.name, created.labels) == (name, {"team": "blue"})
            assert uploaded.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
            assert ready.ingested.format == "json"
            assert ready.frame.rows == (await ann.client.dataset(sent.id)).rows
        case other:
            raise AssertionError(other)


async def test_a_topic_of_one_dataset_tells_its_whole_history(
    ann: Person, real_files: Path
) -> None:
    async with ann.client.live("all", types=["dataset.*"]) as items:
        sent = await ann.client.upload(real_files / "iris.json")
        live = await until(items, DatasetReady, of=sent.id)

    async with ann.client.live(f"dataset.{sent.id}", since="start") as items:
        late = await until(items, DatasetReady)
    asked = (await ann.ask("GET", f"/v1/datasets/{sent.id}/events")).json()

    assert canonical(late) == canonical(live)
    assert asked["items"] == [each.body for each in live]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b'{"a": [1, 2', "cut-object.json", "malformed_json"),
        (b'[{"a": 1}, {"a": 2},', "cut-array.json", "malformed_json"),
        (b'{"a": ' * 100 + b"1" + b"}" * 100, "deep.json", "too_many_bad_rows"),
        (b"a,b\n1,2\n" + b"1,2,3\n" * 20, "ragged.csv", "too_many_bad_rows"),
        (b"<html><body>Hello</body></html>", "page.json", "format_unknown"),
        (b"\x1f\x8b\x08 no gzip", "junk.csv.gz", "broken_gzip"),
        (b"PAR1 no end", "junk.parquet", "broken_parquet"),
    ],
)
async def test_a_broken_file_is_rejected_live_with_its_reason(
    ann: Person, content: bytes, name: str, code: str
) -> None:
    async with ann.client.live("all", types=["dataset.*"]) as items:
        sent = await ann.client.upload(content, name)
        events = await until(items, DatasetReady, DatasetRejected, of=sent.id)
    dataset = await ann.client.dataset(sent.id)

    assert types(events) == ["dataset.created", "dataset.uploaded", "dataset.rejected"]
    assert isinstance(rejected := events[-1].event, DatasetRejected)
    assert rejected.error.code == code
    assert (dataset.status, dataset.error) == (DatasetStatus.REJECTED, rejected.error)
