"""A file that was read wrong is read again, and keeps its table until that succeeds."""

import asyncio
from pathlib import Path
from uuid import UUID

from asyncpg import connect
from msgspec import UNSET

from tests.builders import PATIENCE_S
from tests.e2e.conftest import Register
from tests.e2e.people import Person, tidemill
from tidemill_contracts.datasets import DatasetError, DatasetStatus, IngestOptions, Reading
from tidemill_contracts.jobs import BlockedReason, JobStatus
from tidemill_stack.stack import Stack


async def test_a_file_that_was_read_wrong_is_read_again_without_an_upload(ann: Person) -> None:
    options = IngestOptions(delimiter="|")
    sent = await ann.client.upload(b"a|b;c\n1|2;3\n4|5;6\n", "odd.csv", options=options)
    wrong = await ann.client.wait_dataset(sent.id)
    exported = await ann.client.content(wrong.id, format="csv").value()

    asked = await ann.client.ingest_again(wrong.id, IngestOptions(delimiter=";"))
    right = await ann.client.wait_dataset(wrong.id)
    anew = await ann.client.content(wrong.id, format="csv").value()

    assert (asked.status, right.status) == (DatasetStatus.VALIDATING, DatasetStatus.READY)
    assert [column.name for column in wrong.columns or []] == ["a", "b;c"]
    assert [column.name for column in right.columns or []] == ["a|b", "c"]
    assert exported.split() == [b"a,b;c", b"1,2;3", b"4,5;6"]
    assert anew.split() == [b"a|b,c", b"1|2,3", b"4|5,6"]


async def test_a_dataset_that_was_rejected_can_be_read_again(ann: Person, stack: Stack) -> None:
    sent = await ann.client.upload(
        b"a\nx\n", "a.csv", options=IngestOptions(contract="freeze", types={"a": "int64"})
    )
    refused = await ann.client.wait_dataset(sent.id)

    status, _, problem = await tidemill(
        ann, stack, "datasets", "ingest", str(sent.id), "--read", "types.a=string"
    )
    right = await ann.client.dataset(sent.id)

    assert refused.error
    assert refused.error.code == "contract_broken"
    assert status == 0, problem
    assert (right.status, right.rows, bool(right.error)) == (DatasetStatus.READY, 1, False)


async def test_what_cannot_be_read_anew_stays_as_it_was_and_says_why(
    ann: Person, stack: Stack
) -> None:
    sent = await ann.client.upload(b"a\n1\nx\n", "a.csv")
    before = await ann.client.wait_dataset(sent.id)
    wishes = ("--read", "contract=freeze", "--read", "types.a=int64")

    status, output, notes = await tidemill(ann, stack, "datasets", "ingest", str(sent.id), *wishes)
    after = await ann.client.dataset(sent.id)
    job = await ann.run(processor="select_columns", params={"columns": ["a"]}, dataset_id=sent.id)

    assert status == 1
    assert "contract_broken" in output
    assert "not read: contract_broken" in notes
    assert "the former table stays" in notes
    assert "dataset.ready          as before; read again: contract_broken" in notes
    assert (after.status, after.columns, after.error) == (before.status, before.columns, UNSET)
    assert isinstance(after.reading, Reading)
    assert after.reading.options == {"contract": "freeze", "types": {"a": "int64"}}
    assert await ann.client.content(sent.id, format="csv").value() == b"a\n1\nx\n"
    assert job.result
    assert (job.status, job.result.rows) == (JobStatus.SUCCEEDED, 2)


async def test_jobs_wait_while_their_dataset_is_read_again_and_go_on_if_it_cannot_be(
    stack: Stack, register: Register
) -> None:
    ann = await register(stack)
    dataset = await ann.client.wait_dataset((await ann.client.upload(b"a\n1\n2\n", "a.csv")).id)
    await ann.client.pause_queue("default")
    asked = await ann.client.ingest_again(dataset.id, IngestOptions(header=False))
    assert isinstance(asked.reading, Reading)
    await heard_of(stack, dataset.id, DatasetStatus.VALIDATING)

    job = await ann.client.submit(
        processor="select_columns", params={"columns": ["a"]}, dataset_id=dataset.id
    )
    preview = await ann.ask("GET", f"/v1/datasets/{dataset.id}/preview")
    await ann.client.cancel(asked.reading.job_id)
    back = await ann.client.wait_dataset(dataset.id)
    await ann.client.resume_queue("default")
    ended = await ann.ended(job.id)

    assert (job.status, job.blocked_reason) == (JobStatus.BLOCKED, BlockedReason.DATASET)
    assert preview.json()["rows"] == [{"a": 1}, {"a": 2}]
    assert isinstance(back.reading, Reading)
    assert back.reading.error == DatasetError("ingest_cancelled", "Ingest was cancelled.")
    assert ended.result
    assert (ended.status, ended.result.rows) == (JobStatus.SUCCEEDED, 2)


async def heard_of(stack: Stack, dataset_id: UUID, status: DatasetStatus) -> None:
    """Wait until the jobs service has heard of it."""
    connection = await connect(stack.postgres_url())
    query = "select status from jobs.datasets where id = $1"
    async with asyncio.timeout(PATIENCE_S):
        while await connection.fetchval(query, dataset_id) != status:
            pass
    await connection.close()


async def test_titles_and_decimal_commas_are_read_as_somebody_says(
    ann: Person, stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("Sales; in euros\n\nshop;takings\nHarbour;1.234,50\nMarket;12,5\n")

    status, _, problem = await tidemill(
        ann, stack, "datasets", "upload", str(file), "--follow", "--read", "skip=2"
    )
    [text, *_] = (await ann.client.datasets(limit=1, name="sales.csv")).items
    again, output, _ = await tidemill(
        ann, stack, "datasets", "ingest", str(text.id), "--read", "skip=2", "--read", "decimal=,"
    )
    number = await ann.client.dataset(text.id)

    assert (status, again) == (0, 0), problem
    assert "2 lines skipped, header, decimal comma" in output
    assert [[each.type for each in one.columns or []] for one in (text, number)] == [
        ["string", "string"],
        ["string", "float64"],
    ]
    assert await ann.client.content(text.id, format="csv").value() == (
        b"shop,takings\nHarbour,1234.5\nMarket,12.5\n"
    )
