"""Jobs of other systems, out of files: kept once, shown, never in the log."""

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from tests.builders import NOON
from tests.e2e.people import Person
from tests.recordings import EVENTS, HOSTILE, parts, written
from tidemill_contracts.archives import MAX_FILE_BYTES, MAX_UNPACKED_BYTES, Archive
from tidemill_contracts.fold import fold
from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import JobStatus
from tidemill_jobs.archives import ArchiveRepository, ArchivesFull
from tidemill_kit.db import Database


@pytest.fixture
def job_id() -> UUID:
    return uuid7()


def a_file(folder: Path, job_id: UUID, **other: bytes) -> bytes:
    """A job with this id as a file; its cursors are those of some other log."""
    events: list[JobEvent] = [msgspec.structs.replace(each, job_id=job_id) for each in EVENTS]
    job = msgspec.structs.replace(fold(events), cursor="9.99")
    bodies = parts(events, job_json=msgspec.json.encode(job), **other)
    return written(folder / "job.zip", bodies, job_id=job_id).read_bytes()


async def bring(person: Person, file: bytes) -> httpx.Response:
    return await person.ask("POST", "/v1/archives", content=file)


async def test_an_imported_job_is_shown_as_it_was_and_as_it_ended(
    ann: Person, tmp_path: Path, job_id: UUID
) -> None:
    made = await bring(ann, a_file(tmp_path, job_id))

    shown = await ann.ask("GET", made.headers["location"])
    then = await ann.ask("GET", f"/v1/archives/{job_id}", params={"at": "1.1"})
    too_early = await ann.ask("GET", f"/v1/archives/{job_id}", params={"at": "1.0"})
    no_cursor = await ann.ask("GET", f"/v1/archives/{job_id}", params={"at": "x"})

    assert (made.status_code, shown.json()) == (201, made.json())
    assert (shown.json()["status"], shown.json()["job"]["status"]) == ("cancelled", "cancelled")
    assert "cursor" not in shown.json()["job"]
    assert then.json()["job"]["status"] == "queued"
    assert (too_early.status_code, too_early.json()["code"]) == (404, "job_not_yet")
    assert (no_cursor.status_code, no_cursor.json()["code"]) == (400, "cursor_malformed")


async def test_its_events_come_page_by_page_and_the_file_as_it_was(
    ann: Person, tmp_path: Path, job_id: UUID
) -> None:
    file = a_file(tmp_path, job_id)
    path = (await bring(ann, file)).headers["location"]

    first = (await ann.ask("GET", f"{path}/events", params={"limit": 1})).json()
    query = {"limit": 1, "cursor": first["next_cursor"]}
    rest = (await ann.ask("GET", f"{path}/events", params=query)).json()
    kept = await ann.ask("GET", f"{path}/file")

    told: list[dict[str, Any]] = first["items"] + rest["items"]
    assert [(each["cursor"], each["event"]["type"]) for each in told] == [
        ("1.1", "job.submitted"),
        ("1.2", "job.cancelled"),
    ]
    assert rest["next_cursor"] is None
    assert (kept.content, kept.headers["content-type"]) == (file, "application/zip")


async def test_what_is_brought_twice_is_there_once(
    ann: Person, tmp_path: Path, job_id: UUID
) -> None:
    first = await bring(ann, a_file(tmp_path, job_id))

    again = await bring(ann, a_file(tmp_path, job_id))
    other = await bring(ann, a_file(tmp_path, job_id, values_json=b'{"add": 1}'))
    listed = (await ann.ask("GET", "/v1/archives", params={"limit": 1000})).json()["items"]

    assert (again.status_code, again.json()) == (200, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "archive_differs")
    assert [each["id"] for each in listed].count(str(job_id)) == 1
    assert "job" not in listed[0]


async def test_an_archive_is_no_job_and_nobody_elses(
    ann: Person, bob: Person, tmp_path: Path, job_id: UUID
) -> None:
    path = (await bring(ann, a_file(tmp_path, job_id))).headers["location"]

    as_job = await ann.ask("GET", f"/v1/jobs/{job_id}")
    foreign = [
        await bob.ask("GET", path),
        await bob.ask("GET", path, params={"at": "1.1"}),
        await bob.ask("GET", f"{path}/events"),
        await bob.ask("GET", f"{path}/file"),
        await bob.ask("DELETE", path),
    ]
    seen = await ann.client.audit()

    assert as_job.status_code == 404
    assert {(each.status_code, each.json()["code"]) for each in foreign} == {
        (404, "archive_not_found")
    }
    assert str(job_id) not in str(seen)


async def test_a_deleted_archive_can_be_brought_again(
    ann: Person, bob: Person, tmp_path: Path, job_id: UUID
) -> None:
    file = a_file(tmp_path, job_id)
    path = (await bring(ann, file)).headers["location"]
    theirs = await bring(bob, file)

    gone = await ann.ask("DELETE", path)
    after = await ann.ask("GET", path)
    again = await bring(ann, file)

    assert (gone.status_code, after.status_code, again.status_code) == (204, 404, 201)
    assert (theirs.status_code, (await bob.ask("GET", path)).status_code) == (201, 200)


@pytest.mark.parametrize("name", [*HOSTILE, "no zip", "a bomb"])
async def test_a_bad_file_is_refused_with_its_reason(
    bob: Person, tmp_path: Path, name: str
) -> None:
    given: dict[str, Any] = HOSTILE.get(name, {})
    if name == "a bomb":
        given = {"bodies": parts(values_json=b" " * (MAX_UNPACKED_BYTES + 1))}
    file = written(tmp_path / "job.zip", given.get("bodies", parts()), **given.get("manifest", {}))

    answer = await bring(bob, b"hello" if name == "no zip" else file.read_bytes())

    assert (answer.status_code, answer.json()["code"]) == (422, "archive_invalid")
    assert answer.json()["detail"]


async def test_a_file_above_the_limit_is_too_large(bob: Person) -> None:
    answer = await bring(bob, bytes(MAX_FILE_BYTES + 1))

    assert answer.status_code == 413


def an_archive() -> Archive:
    return Archive(
        id=uuid7(),
        status=JobStatus.CANCELLED,
        pipeline=None,
        processors=["add"],
        created_at=NOON,
        finished_at=NOON,
        made_at=NOON,
        made_by="a test",
        left_out=[],
        size_bytes=5,
        sha256="",
        imported_at=NOON,
        imported_by=uuid7(),
    )


async def test_a_tenants_archives_have_a_limit_together(database: Database) -> None:
    tenant_id, job = uuid7(), fold(EVENTS)
    both = [an_archive(), an_archive()]

    async with database.on_behalf_of(tenant_id) as connection:
        archives = ArchiveRepository(connection, tenant_id)
        await archives.add(both[0], "a", job, b"12345", most=9)
        again = await archives.add(both[0], "a", job, b"12345", most=9)

        with pytest.raises(ArchivesFull):
            await archives.add(both[1], "b", job, b"12345", most=9)

    assert again == both[0]
