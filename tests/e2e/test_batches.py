"""Many jobs at once, by the client and by the command line."""

from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.people import Person, tidemill
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import Job, JobStatus, SubmitJob
from tidemill_contracts.problems import Problem
from tidemill_stack.stack import Stack

ADD: dict[str, Any] = {"processor": "add", "params": {"amount": 5}}


async def test_each_job_of_a_batch_runs_to_its_own_result(ann: Person) -> None:
    orders = [SubmitJob(value=number, **ADD) for number in range(200)]
    key = uuid7().hex

    answers = await ann.client.submit_batch(orders, idempotency_key=key)
    again = await ann.client.submit_batch(orders, idempotency_key=key)

    jobs = [answer for answer in answers if isinstance(answer, Job)]
    ended = [await ann.ended(job.id) for job in jobs]
    assert [job.result and job.result.value for job in ended] == [n + 5 for n in range(200)]
    assert again == answers


async def test_a_file_of_orders_is_submitted_line_by_line(
    ann: Person, stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "orders.ndjson"
    lines: list[Any] = [ADD | {"value": 1}, {"processor": "no-such"}, ADD | {"value": 2}]
    file.write_bytes(b"\n\n".join(msgspec.json.encode(line) for line in lines))

    code, output, notes = await tidemill(ann, stack, "jobs", "batch", str(file), "--json")

    first, problem, last = [msgspec.json.decode(line) for line in output.splitlines()]
    ended = [await ann.ended(msgspec.convert(job, Job).id) for job in (first, last)]
    assert code == 1
    assert [job.status for job in ended] == [JobStatus.SUCCEEDED] * 2
    assert msgspec.convert(problem, Problem).code == "processor_unknown"
    assert notes.splitlines()[0].startswith("line 3: There is no processor of this name")
    assert notes.splitlines()[1] == "2 accepted, 1 refused"


async def test_a_line_that_is_no_order_stops_the_command_before_it_submits(
    ann: Person, stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "orders.ndjson"
    file.write_text('{"processor": "noop"}\n{"processor": 1}\n')

    code, output, notes = await tidemill(ann, stack, "jobs", "batch", str(file))

    assert (code, output) == (2, "")
    assert "line 2" in notes
    assert (await ann.client.jobs()).items == []
