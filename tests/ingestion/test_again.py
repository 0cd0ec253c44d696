"""A dataset that was read wrong is read again from its kept bytes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.ingestion.test_trash import saved_from_a_result, upload
from tidemill_contracts.datasets import DatasetStatus, IngestOptions
from tidemill_contracts.ids import now
from tidemill_ingestion.again import NothingUploaded, ingest_again

type SignIn = Callable[..., Awaitable[Any]]


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
