"""What is asked twice counts once: keys, and groups whose connection was lost."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from tests.jobs.office import Office, a_key, types_of
from tidemill_kit.idempotency import IdempotencyKeyReused


async def test_a_key_used_again_gets_the_first_answer(office: Office) -> None:
    first_draft, second_draft = office.draft(), office.draft()
    key = a_key(first_draft.tenant_id)
    first = await office.submit(first_draft, key=key)

    again = await office.submit(second_draft, key=key)

    assert (first.replayed, again.replayed) == (False, True)
    assert (again.job_id, again.body) == (first.job_id, first.body)


async def test_a_key_used_for_something_else_is_refused(office: Office) -> None:
    tenant_id = uuid4()
    await office.submit(key=a_key(tenant_id))

    with pytest.raises(IdempotencyKeyReused):
        await office.submit(key=a_key(tenant_id, body=b"other"))


async def test_a_key_belongs_to_its_tenant(office: Office) -> None:
    first = await office.submit(key=a_key(uuid4()))

    second = await office.submit(key=a_key(uuid4()))

    assert second.job_id != first.job_id


async def test_twenty_at_once_with_one_key_make_one_job(
    replicas: list[Office],
    owner: asyncpg.Connection,
) -> None:
    key = a_key(uuid4())
    drafts = [replicas[0].draft() for _ in range(20)]

    answers = await asyncio.gather(
        *[replicas[n % 2].submit(draft, key=key) for n, draft in enumerate(drafts)]
    )

    assert len({answer.job_id for answer in answers}) == 1
    assert len({answer.body for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    count = "select count(*) from jobs where id = any($1)"
    assert await owner.fetchval(count, [draft.id for draft in drafts]) == 1


CUT = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where application_name = 'tidemill-jobs-ledger'
"""


async def test_a_lost_connection_makes_nothing_twice_and_loses_nothing(
    office: Office,
    owner: asyncpg.Connection,
) -> None:
    drafts = [office.draft() for _ in range(120)]
    key_of = {draft.id: a_key(draft.tenant_id) for draft in drafts}
    cuts = 0

    for start in range(0, len(drafts), 10):
        some = drafts[start : start + 10]
        submits = [office.submit(draft, key=key_of[draft.id]) for draft in some]
        answers, cut = await asyncio.gather(asyncio.gather(*submits), owner.fetchval(CUT))
        assert [answer.job_id for answer in answers] == [draft.id for draft in some]
        cuts += int(cut or 0)

    assert cuts > 0
    for draft in drafts:
        assert await types_of(owner, draft.id) == ["submitted"]
