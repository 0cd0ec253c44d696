"""What an operator does with the command: look, hold back, try again, throw away."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.e2e.people import Person, tidemill
from tidemill_contracts.bulk import BulkDone
from tidemill_contracts.failures import DeadLetter, Failure, Redriven
from tidemill_contracts.jobs import Attempt, Job, JobStatus
from tidemill_contracts.pages import Page
from tidemill_contracts.queues import Queue
from tidemill_contracts.work import WorkerInfo
from tidemill_stack.stack import Stack

GIVES_UP: dict[str, Any] = {"processor": "fail", "params": {"kind": "transient", "attempts": 1}}
NOWHERE = str(UUID(int=1))


async def answer[T](kind: type[T], person: Person, stack: Stack, *arguments: str) -> T:
    """What the command prints for programs."""
    code, output, notes = await tidemill(person, stack, *arguments)
    assert code == 0, notes
    return msgspec.json.decode(output, type=kind)


async def test_a_queue_is_paused_and_resumed(ann: Person, stack: Stack) -> None:
    (paused,) = await answer(list[Queue], ann, stack, "queues", "pause", "default", "--json")
    job = await ann.client.submit(processor="noop")
    listed = await answer(list[Queue], ann, stack, "queues", "list", "--json")
    _, table, _ = await tidemill(ann, stack, "queues", "list")
    (resumed,) = await answer(list[Queue], ann, stack, "queues", "resume", "default", "--json")

    ended = await ann.ended(job.id)
    assert (paused.paused, resumed.paused) == (True, False)
    assert [(each.paused, each.blocked) for each in listed if each.name == "default"] == [(True, 1)]
    assert any(line.split()[:3] == ["default", "yes", "1"] for line in table.splitlines())
    assert ended.status is JobStatus.SUCCEEDED


async def test_a_queue_of_everybody_is_the_administrators(ann: Person, stack: Stack) -> None:
    code, output, notes = await tidemill(ann, stack, "queues", "pause", "default", "--everyone")

    assert (code != 0, output) == (True, "")
    assert "administrator" in notes


async def test_workers_are_listed(ann: Person, stack: Stack) -> None:
    found = await answer(list[WorkerInfo], ann, stack, "workers", "--json")
    _, table, _ = await tidemill(ann, stack, "workers")

    lines = table.splitlines()[1:]
    live = [each for each in found if each.live]
    assert [(each.slots, "default" in each.queues) for each in live] == [(2, True)]
    assert any(line.split()[:2] == [live[0].name, "yes"] for line in lines)


async def test_failures_are_listed_by_what_they_have_in_common(ann: Person, stack: Stack) -> None:
    await ann.run(processor="fail", params={"kind": "data"})
    last = await ann.run(processor="fail", params={"kind": "data"})

    (failure,) = await answer(list[Failure], ann, stack, "failures", "--json")
    _, table, _ = await tidemill(ann, stack, "failures")
    later = await answer(list[Failure], ann, stack, "failures", "--since", "2100-01-01", "--json")

    assert (failure.processor, failure.code, failure.count) == ("fail", "asked_to_fail", 2)
    assert failure.example_job_id == last.id
    assert str(last.id) in table
    assert later == []


async def test_a_dead_letter_is_looked_at_and_tried_again(ann: Person, stack: Stack) -> None:
    given_up = await ann.run(**GIVES_UP, value=1, max_attempts=1)

    page = await answer(Page[DeadLetter], ann, stack, "dead-letters", "list", "--json")
    (letter,) = page.items
    shown = await answer(DeadLetter, ann, stack, "dead-letters", "show", str(letter.id))
    made = await answer(Redriven, ann, stack, "dead-letters", "redrive", str(letter.id))

    assert made.job_id is not None
    job = await ann.ended(made.job_id)
    assert given_up.status is JobStatus.FAILED
    assert (shown.kind, shown.job_id) == ("job", given_up.id)
    assert job.retry_of == given_up.id


async def test_a_dead_letter_is_thrown_away(ann: Person, stack: Stack) -> None:
    given_up = await ann.run(**GIVES_UP, value=1, max_attempts=1)
    _, table, _ = await tidemill(ann, stack, "dead-letters", "list", "--kind", "job")
    (letter,) = (await ann.client.dead_letters()).items

    code, _, notes = await tidemill(ann, stack, "dead-letters", "discard", str(letter.id))
    again, _, _ = await tidemill(ann, stack, "dead-letters", "discard", str(letter.id))

    assert str(given_up.id) in table
    assert (code, notes.strip()) == (0, f"discarded {letter.id}")
    assert again != 0
    assert (await ann.client.dead_letters()).items == []


async def test_many_jobs_are_counted_before_they_are_cancelled(ann: Person, stack: Stack) -> None:
    order: dict[str, Any] = {"processor": "wait", "params": {"seconds": 600}, "queue": "default"}
    mine = [await ann.client.submit(**order, labels={"team": "a"}) for _ in range(3)]
    other = await ann.client.submit(processor="wait", params={"seconds": 0})
    those = ["jobs", "bulk", "cancel", "--label", "team=a"]

    counted = await answer(BulkDone, ann, stack, *those)
    untouched = [(await ann.client.job(job.id)).finished_at for job in mine]
    done = await answer(BulkDone, ann, stack, *those, "--yes")

    assert (counted.matched, counted.outcomes) == (3, {})
    assert untouched == [None] * 3
    assert (done.matched, sum(done.outcomes.values())) == (3, 3)
    assert [(await ann.ended(job.id)).status for job in mine] == [JobStatus.CANCELLED] * 3
    assert (await ann.ended(other.id)).status is JobStatus.SUCCEEDED


async def test_a_job_is_deleted_once_it_has_ended(ann: Person, stack: Stack) -> None:
    job = await ann.run(processor="noop")

    code, _, notes = await tidemill(ann, stack, "jobs", "delete", str(job.id))
    again, _, reason = await tidemill(ann, stack, "jobs", "delete", str(job.id))

    assert (code, notes.strip()) == (0, f"deleted {job.id}")
    assert again != 0
    assert "no such job" in reason
    assert (await ann.client.jobs()).items == []


async def test_a_job_is_retried_with_other_parameters(ann: Person, stack: Stack) -> None:
    first = await ann.run(processor="add", params={"amount": 1}, value=1)
    changed = ["--params", '{"add": {"amount": 5}}', "--wait", "--json"]

    job = await answer(Job, ann, stack, "jobs", "retry", str(first.id), *changed)

    assert (job.retry_of, job.status) == (first.id, JobStatus.SUCCEEDED)
    assert job.result
    assert job.result.value == 6


async def test_the_attempts_of_a_job_say_how_each_ended(ann: Person, stack: Stack) -> None:
    job = await ann.run(**GIVES_UP, value=1, max_attempts=2)

    found = await answer(list[Attempt], ann, stack, "jobs", "attempts", str(job.id), "--json")
    _, table, _ = await tidemill(ann, stack, "jobs", "attempts", str(job.id))

    failed, succeeded = sorted(found, key=lambda each: each.attempt)
    assert job.status is JobStatus.SUCCEEDED
    assert failed.error
    assert failed.error.message == "failed as asked, attempt 1 of 1"
    assert succeeded.error is None
    assert "failed as asked, attempt 1 of 1" in table


@pytest.mark.parametrize(
    "arguments",
    [
        ["queues", "pause", "nowhere"],
        ["dead-letters", "show", NOWHERE],
        ["dead-letters", "redrive", NOWHERE],
        ["jobs", "retry", NOWHERE],
        ["jobs", "attempts", NOWHERE],
    ],
    ids=" ".join,
)
async def test_what_is_not_there_is_named_on_stderr(
    ann: Person, stack: Stack, arguments: list[str]
) -> None:
    code, output, notes = await tidemill(ann, stack, *arguments)

    assert (code != 0, output) == (True, "")
    assert notes
    assert "Traceback" not in notes
