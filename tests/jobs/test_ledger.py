"""The ledger against PostgreSQL: groups, fencing, what cannot be stored."""

import asyncio
import hashlib
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from tests.builders import PATIENCE_S
from tests.jobs.builders import a_failure
from tests.jobs.office import Office, event_of, status_of, types_of
from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import FailureKind, JobFailed, JobStepSucceeded, JobSubmitted
from tidemill_contracts.jobs import CancelJob, Job, JobError, JobStatus, StepSpec
from tidemill_contracts.work import (
    ClaimOutcome,
    Failed,
    Payload,
    ReportOutcome,
    StepOutput,
    Succeeded,
)
from tidemill_jobs.commands import CancelOne, Claim
from tidemill_jobs.lifecycle import JobFinished
from tidemill_jobs.refusals import JobNotFound, Unstorable


async def test_a_job_goes_from_submit_to_success(office: Office, owner: asyncpg.Connection) -> None:
    accepted = await office.submit()
    order = await office.order()

    outcome = await office.run(order)

    assert outcome is ReportOutcome.APPLIED
    assert await status_of(owner, accepted.job_id) == "succeeded"
    assert await types_of(owner, accepted.job_id) == [
        "submitted",
        "started",
        "step_succeeded",
        "succeeded",
    ]


async def test_what_is_answered_is_what_is_stored(
    office: Office, owner: asyncpg.Connection
) -> None:
    accepted = await office.submit(office.draft(labels={"a": "ä"}, value={"x": [1, 2.5, None]}))

    shown = msgspec.json.decode(accepted.body, type=Job)

    row = await owner.fetchrow("select * from jobs where id = $1", accepted.job_id)
    assert row is not None
    assert (shown.id, shown.status, shown.seq) == (row["id"], row["status"], row["seq"])
    assert msgspec.json.decode(row["labels"]) == {"a": "ä"}
    assert msgspec.json.decode(row["given"]) == {"value": {"x": [1, 2.5, None]}}


async def test_a_group_answers_each_command_by_itself(office: Office) -> None:
    accepted = await office.submit()
    order = await office.order()
    tenant_id = order.tenant_id

    answers = await asyncio.gather(
        office.submit(),
        office.claim(order),
        office.ask(CancelOne, tenant_id=uuid4(), job_id=accepted.job_id, order=CancelJob()),
        office.ask(CancelOne, tenant_id=tenant_id, job_id=uuid7(), order=CancelJob()),
        office.report(order, uuid4(), Succeeded()),
        return_exceptions=True,
    )

    submitted, claimed, foreign, unknown, reported = answers
    assert not isinstance(submitted, BaseException)
    assert not isinstance(claimed, BaseException)
    assert claimed.outcome is ClaimOutcome.GRANTED
    assert isinstance(foreign, JobNotFound)
    assert isinstance(unknown, JobNotFound)
    assert reported is ReportOutcome.SUPERSEDED


async def test_of_many_claims_of_one_order_one_is_granted(replicas: list[Office]) -> None:
    for _ in range(10):
        await replicas[0].submit()
        order = await replicas[0].order()

        answers = await asyncio.gather(*[replicas[n % 2].claim(order) for n in range(20)])

        found = [answer.outcome for answer in answers]
        assert found.count(ClaimOutcome.GRANTED) == 1
        assert found.count(ClaimOutcome.BUSY) == 19


async def test_a_claim_that_waited_for_another_replica_sees_what_it_did(
    office: Office,
    owner: asyncpg.Connection,
) -> None:
    await office.submit()
    order = await office.order()
    async with owner.transaction():
        await owner.execute(
            """update jobs set status = 'running', attempt = 1 where id = $1""", order.job_id
        )
        await owner.execute(
            """update tasks set status = 'running', attempt = 1, run_id = $2, worker = 'other',
            lease_until = clock_timestamp() + interval '30 s' where id = $1""",
            order.task_id,
            uuid4(),
        )
        claiming = asyncio.create_task(office.claim(order))
        await a_ledger_waits(owner)

    answer = await claiming

    assert answer.outcome is ClaimOutcome.BUSY


async def a_ledger_waits(owner: asyncpg.Connection) -> None:
    """Return once a ledger's connection waits for a lock."""
    async with asyncio.timeout(PATIENCE_S):
        while not await owner.fetchval(
            """select count(*) from pg_stat_activity
            where application_name = 'tidemill-jobs-ledger' and wait_event_type = 'Lock'"""
        ):
            await owner.execute("select pg_stat_clear_snapshot()")


async def test_what_cannot_be_stored_is_refused_for_itself_alone(
    office: Office, owner: asyncpg.Connection
) -> None:
    bad = {"labels": {"k": "a\0b"}}
    drafts = [office.draft(**(bad if number == 7 else {})) for number in range(20)]

    answers = await asyncio.gather(*map(office.submit, drafts), return_exceptions=True)

    assert [type(a).__name__ for a in answers].count("Unstorable") == 1
    assert isinstance(answers[7], Unstorable)
    count = "select count(*) from jobs where id = any($1)"
    assert await owner.fetchval(count, [draft.id for draft in drafts]) == 19


async def test_a_command_that_breaks_is_refused_for_itself_alone(office: Office) -> None:
    broken = office.draft()
    broken.run_at = broken.created_at.replace(tzinfo=None)
    drafts = [office.draft(), broken, office.draft()]

    answers = await asyncio.gather(*map(office.submit, drafts), return_exceptions=True)

    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]


async def test_an_output_is_kept_to_the_letter(office: Office, owner: asyncpg.Connection) -> None:
    accepted = await office.submit()
    order = await office.order()

    await office.run(order, "a\0b")

    assert await status_of(owner, accepted.job_id) == "succeeded"
    kept = await owner.fetchval("select steps::text from jobs where id = $1", accepted.job_id)
    assert '"value":"a\\u0000b"' in str(kept)


async def test_a_claim_and_finish_by_a_name_that_cannot_be_stored_fails_its_job(
    office: Office, owner: asyncpg.Connection
) -> None:
    accepted = await office.submit(office.draft("noop", value=1))
    order = await office.order()
    run_id = uuid4()
    claim = msgspec.structs.replace(office.claim_of(order, run_id), worker="a\0b")

    outcome = await office.report(order, run_id, Succeeded(), claim=claim)

    assert outcome is ReportOutcome.APPLIED
    assert await status_of(owner, accepted.job_id) == "failed"


async def test_a_claim_by_a_name_that_cannot_be_stored_is_refused(office: Office) -> None:
    await office.submit()
    order = await office.order()
    claim = msgspec.structs.replace(office.claim_of(order, uuid4()), worker="a\0b")

    with pytest.raises(Unstorable):
        await office.ask(Claim, asked=claim)


async def test_events_stay_small_whatever_a_job_holds(
    office: Office, owner: asyncpg.Connection
) -> None:
    large = "x" * 200_000
    step = StepSpec(processor="wait", params={"note": large})
    accepted = await office.submit(office.draft(step, value=large))
    order = await office.order()

    await office.run(order, large)

    submitted = await event_of(owner, accepted.job_id, "submitted")
    kept = await event_of(owner, accepted.job_id, "step_succeeded")
    ended = await event_of(owner, accepted.job_id, "succeeded")
    assert isinstance(submitted, JobSubmitted)
    assert submitted.value is None
    assert isinstance(kept, JobStepSucceeded)
    assert kept.result is not None
    assert kept.result.size_bytes == len(large) + 2
    assert kept.result.sha256 == hashlib.sha256(f'"{large}"'.encode()).hexdigest()
    assert ended.result.uri == f"/v1/jobs/{accepted.job_id}/result"


@pytest.mark.parametrize("part", ["message", "traceback"])
async def test_an_error_stays_small_in_events(
    office: Office,
    owner: asyncpg.Connection,
    part: str,
) -> None:
    accepted = await office.submit()
    order = await office.order()
    run_id = uuid4()
    await office.claim(order, run_id)
    words: dict[str, Any] = {"code": "broken", "message": "m"} | {part: "ü" * 100_000}

    ending = Failed(failure=FailureKind.DATA, error=JobError(**words))
    await office.report(order, run_id, ending)

    failed = await event_of(owner, accepted.job_id, "failed")
    assert isinstance(failed, JobFailed)
    await event_of(owner, accepted.job_id, "step_failed")


async def test_a_cancel_of_an_ended_job_changes_nothing(
    office: Office, owner: asyncpg.Connection
) -> None:
    accepted = await office.submit()
    order = await office.order()
    await office.run(order)
    before = await types_of(owner, accepted.job_id)

    with pytest.raises(JobFinished):
        await office.ask(
            CancelOne, tenant_id=order.tenant_id, job_id=order.job_id, order=CancelJob()
        )

    assert await types_of(owner, accepted.job_id) == before


async def test_each_attempt_is_a_row_with_its_owner(
    office: Office, owner: asyncpg.Connection
) -> None:
    accepted = await office.submit()
    order = await office.order()
    run_id = uuid4()
    await office.claim(order, run_id)

    await office.report(order, run_id, a_failure(FailureKind.DATA))

    row = await owner.fetchrow("select * from attempts where job_id = $1", accepted.job_id)
    assert row is not None
    assert (row["run_id"], row["attempt"], row["outcome"]) == (run_id, 1, "failed")
    assert row["started_at"] <= row["finished_at"]
    assert msgspec.json.decode(row["error"])["code"] == "broken"


async def test_a_large_output_is_stored_with_its_job(
    office: Office, owner: asyncpg.Connection
) -> None:
    await office.submit(office.draft("wait", "wait"))
    order = await office.order()
    run_id = uuid4()
    await office.claim(order, run_id)

    output = StepOutput(step="wait", payload=Payload(value=[1.5] * 50_000))
    outcome = await office.report(order, run_id, outputs=[output])

    assert outcome is ReportOutcome.APPLIED
    assert await status_of(owner, order.job_id) == JobStatus.RUNNING
