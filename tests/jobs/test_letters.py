"""Failures by kind, and dead letters: found, tried again, thrown away."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.people import Person, signed_anew
from tests.jobs.conftest import SignUp
from tidemill_contracts.ids import uuid7
from tidemill_contracts.jobs import JobError, JobStatus
from tidemill_jobs.fingerprints import fingerprint, message
from tidemill_stack.stack import Stack


@pytest.fixture
async def dora(sign_up: SignUp) -> Person:
    return await sign_up()


@pytest.fixture
async def tables(stack: Stack) -> AsyncGenerator[asyncpg.Connection]:
    settings = {"search_path": "jobs"}
    connection = await asyncpg.connect(stack.postgres_url(), server_settings=settings)
    yield connection
    await connection.close()


async def a_failed_job(person: Person, kind: str = "data", **more: Any) -> UUID:
    return (await person.run(processor="fail", params={"kind": kind}, **more)).id


async def a_letter(tables: asyncpg.Connection, **columns: Any) -> UUID:
    row: dict[str, Any] = {"id": uuid7(), "kind": "job", "reason": "attempts: it broke"} | columns
    names, places = ", ".join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await tables.execute(f"insert into dead_letters ({names}) values ({places})", *row.values())
    return row["id"]


@given(st.integers(), st.uuids(), st.text(alphabet="abc xyz", max_size=20))
def test_messages_that_differ_in_numbers_and_names_are_one(
    number: int, id_: UUID, name: str
) -> None:
    first = message(f"row {number} of job {id_} has no column '{name}'")

    second = message(f"row 7 of job {uuid4()} has no column 'b'")

    assert first == second


def test_another_processor_code_or_wording_is_another_failure() -> None:
    error = JobError(code="broken", message="row 1 is bad")
    others = [
        fingerprint(error, "other"),
        fingerprint(JobError(code="else", message="row 1 is bad"), "p"),
        fingerprint(JobError(code="broken", message="row 1 is worse"), "p"),
        fingerprint(JobError(code="broken", message="row 1 is bad", type="ValueError"), "p"),
    ]

    same = fingerprint(JobError(code="broken", message="row 2 is bad"), "p")

    assert same == fingerprint(error, "p")
    assert len({same, *others}) == 5


async def test_failed_jobs_are_grouped_by_what_they_have_in_common(dora: Person) -> None:
    first = await a_failed_job(dora)
    last = await a_failed_job(dora)

    found = await dora.client.failures()

    assert len(found) == 1
    assert (found[0].processor, found[0].count, found[0].example_job_id) == ("fail", 2, last)
    assert found[0].first_seen_at < found[0].last_seen_at
    assert first != last


async def test_failures_are_counted_in_their_time_and_tenant_alone(
    dora: Person, bob: Person
) -> None:
    job = await dora.client.job(await a_failed_job(dora))
    assert job.finished_at is not None

    before = await dora.client.failures(until=job.finished_at)
    others = [failure.example_job_id for failure in await bob.client.failures()]

    assert before == []
    assert job.id not in others


async def test_a_jobs_letter_becomes_one_new_job(dora: Person, tables: asyncpg.Connection) -> None:
    failed = await a_failed_job(dora)
    letter = await a_letter(tables, tenant_id=dora.user.tenant_id, job_id=failed)
    shown = await dora.client.dead_letter(letter)

    made = await dora.client.redrive(letter)
    again = await dora.client.redrive(letter)

    assert (shown.kind, shown.job_id) == ("job", failed)
    assert made.job_id is not None
    job = await dora.ended(made.job_id)
    assert (job.retry_of, job.status) == (failed, JobStatus.FAILED)
    assert again.job_id == made.job_id
    assert letter not in [each.id for each in (await dora.client.dead_letters()).items]


async def test_letters_are_listed_by_kind_and_thrown_away(
    dora: Person, tables: asyncpg.Connection
) -> None:
    mine = {"tenant_id": dora.user.tenant_id}
    of_job = await a_letter(tables, **mine, job_id=uuid7())
    event = await a_letter(tables, **mine, kind="message", subject="s", body=b"{")

    jobs = await dora.client.dead_letters(kind="job")
    both = await dora.client.dead_letters()
    await dora.client.discard_dead_letter(event)
    left = await dora.client.dead_letters()

    assert [each.id for each in jobs.items] == [of_job]
    assert [each.id for each in both.items] == [event, of_job]
    assert [each.id for each in left.items] == [of_job]


async def test_a_letter_of_nobody_is_the_administrators(
    stack: Stack, dora: Person, bob: Person, tables: asyncpg.Connection
) -> None:
    letter = await a_letter(tables, kind="message", subject="tm.event.x", body=b"\xff")
    theirs = await a_letter(tables, tenant_id=bob.user.tenant_id)
    token = signed_anew(stack, dora.tokens.access_token, system_admin=True)
    powers = {"Authorization": f"Bearer {token}"}

    refused = await dora.ask("GET", f"/v1/dead-letters/{letter}")
    foreign = await dora.http.get(f"/v1/dead-letters/{theirs}", headers=powers)
    shown = await dora.http.get(f"/v1/dead-letters/{letter}", headers=powers)
    unreadable = await dora.http.post(f"/v1/dead-letters/{letter}/redrive", headers=powers)

    assert (refused.status_code, foreign.status_code) == (404, 404)
    assert (shown.status_code, shown.json()["body"]) == (200, "�")
    assert (unreadable.status_code, unreadable.json()["code"]) == (422, "still_unreadable")
