"""The log on the command line: whole, in part, again, and in a file."""

from pathlib import Path

import msgspec
import pytest

from tests.e2e.people import Person, tidemill
from tidemill_contracts.jobs import Job
from tidemill_stack.stack import Stack


@pytest.fixture
async def job(ann: Person) -> Job:
    return await ann.run(processor="fail", params={"kind": "data"})


@pytest.mark.parametrize(
    ("arguments", "types"),
    [
        (["--type", "job.*"], ["submitted", "started", "step_failed", "failed"]),
        (["--type", "*failed", "--since", "15m"], ["step_failed", "failed"]),
        (["--since", "2020-01-01"], ["submitted", "started", "step_failed", "failed"]),
    ],
    ids=" ".join,
)
async def test_events_are_chosen_by_type_and_time(
    stack: Stack, ann: Person, job: Job, arguments: list[str], types: list[str]
) -> None:
    of = ["--job", str(job.id), "--json"]

    code, out, notes = await tidemill(ann, stack, "events", *of, *arguments)

    told = [msgspec.json.decode(line)["event"]["type"] for line in out.splitlines()]
    assert (code, notes) == (0, "")
    assert told == [f"job.{each}" for each in types]


async def test_a_limit_tells_where_to_go_on(stack: Stack, ann: Person, job: Job) -> None:
    of = ["--job", str(job.id)]

    code, first, note = await tidemill(ann, stack, "events", *of, "--limit", "2")
    _, rest, _ = await tidemill(ann, stack, "events", *of, "--since", note.split()[-1])

    assert code == 0
    assert [line.split()[3] for line in first.splitlines()] == ["job.submitted", "job.started"]
    assert [line.split()[3] for line in rest.splitlines()] == ["job.step_failed", "job.failed"]


async def test_a_cursor_that_never_was_ends_with_its_reason(stack: Stack, ann: Person) -> None:
    code, out, notes = await tidemill(ann, stack, "events", "--since", "999.1")

    assert (code, out) == (3, "")
    assert "bad_cursor" in notes


async def test_a_job_is_shown_and_played_as_it_was(stack: Stack, ann: Person, job: Job) -> None:
    _, out, _ = await tidemill(ann, stack, "events", "--job", str(job.id), "--limit", "2")
    cursor = out.splitlines()[-1].split()[0]

    _, then, _ = await tidemill(ann, stack, "jobs", "show", str(job.id), "--at", cursor, "--json")
    code, played, _ = await tidemill(ann, stack, "jobs", "replay", str(job.id), "--speed", "0")

    assert msgspec.json.decode(then)["status"] == "running"
    assert code == 0
    assert [line.split()[1] for line in played.splitlines()][-1] == "job.failed"


async def test_a_job_in_a_file_needs_no_system(
    stack: Stack, ann: Person, job: Job, tmp_path: Path
) -> None:
    file = str(tmp_path / "job.zip")

    code, _, _ = await tidemill(ann, stack, "events", "export", str(job.id), "--to", file)
    shown = await tidemill(ann, stack, "--url", "http://127.0.0.1:1", "events", "show", file)
    played = await tidemill(ann, stack, "events", "show", file, "--speed", "0")
    said = await tidemill(ann, stack, "events", "show", file, "--logs")

    assert (code, shown[0], played[0], said[0]) == (0, 0, 0, 0)
    assert "asked_to_fail" in shown[1]
    assert played[1].splitlines()[-1].split()[1] == "job.failed"
    assert "about to fail" in said[1]


async def test_a_job_in_a_file_is_shown_to_people_elsewhere(
    stack: Stack, ann: Person, bob: Person, job: Job, tmp_path: Path
) -> None:
    file = str(tmp_path / "job.zip")
    await tidemill(ann, stack, "events", "export", str(job.id), "--to", file)

    code, brought, _ = await tidemill(bob, stack, "events", "import", file)
    _, listed, _ = await tidemill(bob, stack, "events", "archives")
    shown = await tidemill(bob, stack, "events", "show", str(job.id))
    _, then, _ = await tidemill(bob, stack, "events", "show", str(job.id), "--at", "1.0")
    forgotten, _, _ = await tidemill(bob, stack, "events", "forget", str(job.id))
    gone, _, why = await tidemill(bob, stack, "events", "show", str(job.id))

    assert (code, brought.strip(), listed.count(str(job.id))) == (0, str(job.id), 1)
    assert (shown[0], "asked_to_fail" in shown[1], then) == (0, True, "")
    assert (forgotten, gone, "archive_not_found" in why) == (0, 3, True)
