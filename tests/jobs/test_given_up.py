"""What PostgreSQL keeps of a job that is given up."""

from uuid import uuid4

import asyncpg

from tests.jobs.builders import a_failure
from tests.jobs.office import Office, types_of
from tidemill_contracts.work import Released


async def test_a_job_that_used_up_its_attempts_leaves_a_dead_letter(
    office: Office, owner: asyncpg.Connection
) -> None:
    draft = office.draft(max_attempts=1)
    await office.submit(draft)
    order, run_id = await office.order(), uuid4()
    await office.claim(order, run_id)

    await office.report(order, run_id, a_failure())

    (letter,) = await owner.fetch("select * from dead_letters where job_id = $1", draft.id)
    assert (letter["tenant_id"], letter["kind"]) == (draft.tenant_id, "job")
    assert letter["reason"] == "attempts_exhausted: it broke"
    assert letter["created_at"]


async def test_an_order_that_always_comes_back_is_given_up(
    office: Office, owner: asyncpg.Connection
) -> None:
    draft = office.draft()
    await office.submit(draft)

    for attempt in range(1, 21):
        order, run_id = await office.order(), uuid4()
        await office.claim(order, run_id)
        await office.report(order, run_id, Released(reason="drain"), attempt=attempt)

    (letter,) = await owner.fetch("select reason from dead_letters where job_id = $1", draft.id)
    assert letter["reason"].startswith("dispatches_exhausted")
    assert (await types_of(owner, draft.id))[-1] == "failed"
