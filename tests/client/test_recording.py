"""A job in a file is what was written, or it is refused."""

import zipfile
from pathlib import Path
from random import Random

import pytest

from tests.recordings import EVENTS, HOSTILE, parts, parts_of, written
from tidemill_client import recording
from tidemill_client.recording import RecordingInvalid
from tidemill_contracts.fold import fold
from tidemill_contracts.jobs import JobStatus
from tidemill_contracts.recording import MAX_PART_BYTES


def test_a_job_comes_out_as_it_went_in(tmp_path: Path) -> None:
    file = written(tmp_path / "job.zip", parts())

    found = recording.read(file)

    assert found.job == fold(EVENTS)
    assert [each.event for each in recording.received(found)] == EVENTS
    assert recording.job_at(found, "1.1").status is JobStatus.QUEUED
    assert recording.job_at(found, "7.0").status is JobStatus.CANCELLED


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path, name: str) -> None:
    given = HOSTILE[name]
    file = written(tmp_path / "job.zip", given.get("bodies", parts()), **given.get("manifest", {}))

    with pytest.raises(RecordingInvalid):
        recording.read(file)


def test_a_changed_part_is_refused(tmp_path: Path) -> None:
    listed = parts()
    file = written(tmp_path / "job.zip", listed | {"log.ndjson": b"[]"}, parts=parts_of(listed))

    with pytest.raises(RecordingInvalid, match=r"log\.ndjson"):
        recording.read(file)


def test_a_part_is_unpacked_no_further_than_its_limit(tmp_path: Path) -> None:
    file = written(tmp_path / "job.zip", parts(values_json=b" " * (MAX_PART_BYTES + 1)))

    with pytest.raises(RecordingInvalid, match="larger"):
        recording.read(file)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "job.zip"
    file.write_bytes(b"hello")

    with pytest.raises(RecordingInvalid):
        recording.read(file)


def test_a_damaged_file_is_refused_whatever_is_damaged(tmp_path: Path) -> None:
    file = written(tmp_path / "job.zip", parts())
    whole, dice = file.read_bytes(), Random(7)

    for _ in range(500):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        file.write_bytes(damaged[: dice.choice([len(whole), dice.randrange(len(whole))])])
        try:
            found = recording.read(file)
        except RecordingInvalid:
            continue
        assert found.job == fold(EVENTS)


def test_a_file_of_many_names_is_not_even_opened(tmp_path: Path) -> None:
    file = tmp_path / "job.zip"
    with zipfile.ZipFile(file, "w") as target:
        for number in range(100):
            target.writestr(f"{number}.json", b"")

    with pytest.raises(RecordingInvalid, match="another making"):
        recording.read(file)
