"""Uploads in parts while ingestion or the object store is killed."""

import hashlib

import pytest

from tests.e2e.conftest import Register
from tests.e2e.people import Person
from tidemill_contracts.datasets import DatasetStatus
from tidemill_contracts.uploads import BeginUpload, UploadStatus
from tidemill_stack.stack import Stack

CONTENT = b"a,b\n" + b"1,2\n" * 500_000


@pytest.fixture
async def eve(hurt: Stack, register: Register) -> Person:
    return await register(hurt)


@pytest.mark.parametrize("server", ["ingestion", "weed"])
async def test_an_upload_goes_on_after_a_kill_and_nothing_is_seen_of_it_before(
    hurt: Stack, eve: Person, server: str
) -> None:
    upload = await eve.client.begin_upload(BeginUpload(name="a.csv", size_bytes=len(CONTENT)))
    assert upload.parts
    part = await eve.http.put(str(upload.parts[0].uri), content=CONTENT)

    killed = hurt.kill(server)
    await hurt.ready(server, instead_of=killed)
    shown = await eve.client.begun_upload(upload.id)
    between = await eve.jobs_and_datasets()
    dataset = await eve.client.complete_upload(upload.id)

    assert part.status_code == 200
    assert (shown.status, shown.stored_bytes) == (UploadStatus.UPLOADING, len(CONTENT))
    assert between == (0, 0)
    assert dataset.sha256 == hashlib.sha256(CONTENT).hexdigest()
    settled = await eve.client.wait_dataset(dataset.id)
    assert (settled.status, settled.rows) == (DatasetStatus.READY, 500_000)
