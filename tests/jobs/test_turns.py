"""Tenants whose tasks wait for the same queue take turns, and a paused queue gives out nothing."""

from uuid import uuid4

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from tests.jobs.builders import a_job
from tests.jobs.conftest import OpenOffice
from tidemill_jobs.commands import Revisit
from tidemill_jobs.records import TaskRecord
from tidemill_jobs.turns import Turns

LANE = ("default", False)


def a_task(tenant_id: object) -> TaskRecord:
    return a_job("wait", tenant_id=tenant_id).tasks[0]


def test_a_tenants_first_task_does_not_wait_behind_those_of_another() -> None:
    turns, many, few = Turns(), uuid4(), uuid4()
    places = [turns.place(a_task(many)) for _ in range(100)]
    turns.served(LANE, places[9])

    first, second = turns.place(a_task(few)), turns.place(a_task(few))

    assert (first, second) == (places[10], places[11])


def test_a_task_that_was_out_before_is_next() -> None:
    turns, tenant_id = Turns(), uuid4()
    places = [turns.place(a_task(tenant_id)) for _ in range(10)]
    turns.served(LANE, places[4])
    again = a_task(tenant_id)
    again.dispatch = 1

    assert turns.place(again) <= places[5]


def test_who_comes_later_does_not_stand_before_what_waited_already() -> None:
    turns, early, late = Turns(), uuid4(), uuid4()
    turns.learn(LANE, [(early, 50)])
    turns.served(LANE, 40)

    assert turns.place(a_task(early)) == 51
    assert turns.place(a_task(late)) == 41


@given(order=st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_whoever_waits_is_served_as_often_as_anybody_else(order: list[int]) -> None:
    turns, tenants = Turns(), [uuid4() for _ in range(4)]
    queue = [(turns.place(a_task(tenants[n])), index, n) for index, n in enumerate(order)]

    served = [n for _, _, n in sorted(queue)]

    for length in range(len(served)):
        counts = [served[:length].count(n) for n in range(4)]
        open_ones = [counts[n] for n in range(4) if counts[n] < order.count(n)]
        assert not open_ones or max(counts) - min(open_ones) <= 1


async def test_one_job_of_another_tenant_is_next_although_many_wait(
    open_office: OpenOffice,
) -> None:
    async with open_office(slots=1) as office:
        drafts = [office.draft(tenant_id=tenant) for tenant in [uuid4()] * 30]
        for draft in drafts:
            await office.submit(draft)
        (other,) = [office.draft()]
        await office.submit(other)

        ran = []
        for _ in range(4):
            order = await office.order()
            ran.append(order.job_id)
            await office.run(order)

    assert ran[0] == drafts[0].id
    assert other.id in ran[1:3]


async def test_a_queue_that_was_paused_meanwhile_gives_out_nothing(
    open_office: OpenOffice, owner: asyncpg.Connection
) -> None:
    async with open_office(slots=1) as office:
        drafts = [office.draft() for _ in range(3)]
        for draft in drafts:
            await office.submit(draft)
        first = await office.order()
        await owner.execute("insert into queues (name, paused) values ($1, true)", office.queue)

        await office.run(first)
        office.ledger.top_up()
        await office.ask(Revisit, ids=[drafts[1].id])
        nothing = office.orders.empty()
        await owner.execute("delete from queues where name = $1", office.queue)
        office.ledger.top_up()

        assert nothing
        assert (await office.order()).job_id == drafts[1].id
