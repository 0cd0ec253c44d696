"""Large files by the client and the command: in parts, and after a kill only what is missing."""

import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import PATIENCE_S
from tests.ingestion.conftest import MEBIBYTE
from tests.ingestion.test_uploads import listed
from tidemill_client.client import Client
from tidemill_client.partwise import fingerprint_of
from tidemill_client.problems import ApiProblem
from tidemill_contracts.uploads import BeginUpload

TIDEMILL = Path(sys.executable).with_name("tidemill")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """12 MiB: three parts of the smallest size."""
    made = tmp_path / "big.bin"
    made.write_bytes(hashlib.shake_128(b"file").digest(12 * MEBIBYTE))
    return made


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


async def test_a_file_goes_in_parts_and_its_progress_is_told(
    parted: Any, eve: Any, file: Path
) -> None:
    told: list[tuple[int, int | None]] = []

    async with Client(parted.url, eve.token) as client:
        dataset = await client.upload(
            file,
            in_parts=True,
            labels={"a": "b"},
            progress=lambda done, total: told.append((done, total)),
        )

    assert (dataset.sha256, dataset.name) == (sha256_of(file), "big.bin")
    assert dataset.labels == {"a": "b"}
    assert (told[0][0], told[-1]) == (0, (12 * MEBIBYTE, 12 * MEBIBYTE))


async def test_a_part_that_is_there_is_not_sent_again(parted: Any, eve: Any, file: Path) -> None:
    mark = fingerprint_of(file, file.name)
    order = BeginUpload(name=file.name, size_bytes=12 * MEBIBYTE, fingerprint=mark)
    async with Client(parted.url, eve.token) as client, httpx.AsyncClient() as anybody:
        upload = await client.begin_upload(order)
        assert upload.parts
        await anybody.put(str(upload.parts[0].uri), content=b"z" * 5 * MEBIBYTE)

        with pytest.raises(ApiProblem) as refused:
            await client.upload(file, in_parts=True)

    # had the first part been sent again, the bytes would be the file's
    assert refused.value.code == "digest_mismatch"


async def command(parted: Any, eve: Any, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        TIDEMILL,
        *words,
        env={**os.environ, "TM_URL": parted.url, "TM_TOKEN": eve.token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_killed_command_goes_on_where_it_was(parted: Any, eve: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(hashlib.shake_128(b"large").digest(MEBIBYTE) * 120)
    words = ("datasets", "upload", str(large), "--parallel", "1", "--json")
    first = await command(parted, eve, *words)
    async with asyncio.timeout(PATIENCE_S):
        stored = 0
        while not stored:
            found = (await eve.http.get("/v1/uploads")).json()["items"]
            for each in found:
                shown = (await eve.http.get(f"/v1/uploads/{each['id']}")).json()
                stored = shown.get("stored_bytes", 0)

    first.kill()
    await first.wait()
    between = await listed(eve)
    out, err = await (await command(parted, eve, *words)).communicate()

    dataset = json.loads(out)
    assert between == [], err
    assert len((await eve.http.get("/v1/uploads")).json()["items"]) == 1
    assert dataset["id"] == (await eve.http.get("/v1/uploads")).json()["items"][0]["id"]
    assert dataset["sha256"] == sha256_of(large)


async def test_an_upload_is_listed_resumed_and_given_up(parted: Any, eve: Any, file: Path) -> None:
    async with Client(parted.url, eve.token) as client:
        ids = [
            str((await client.begin_upload(BeginUpload(name="a", size_bytes=12 * MEBIBYTE))).id)
            for _ in range(2)
        ]

    ran = [
        await (await command(parted, eve, "uploads", *words)).communicate()
        for words in (
            ("list",),
            ("resume", ids[0], str(file), "--json"),
            ("abort", ids[1]),
            ("list", "--json"),
        )
    ]

    assert all(each in ran[0][0].decode() for each in ids)
    assert json.loads(ran[1][0])["sha256"] == sha256_of(file)
    assert json.loads(ran[3][0])["items"] == []
