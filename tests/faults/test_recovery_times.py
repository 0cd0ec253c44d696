"""What was lost with a process is found at once, not by the next sweep."""

import signal
from datetime import timedelta

from tests.e2e.conftest import Register
from tests.faults.audit import audit
from tests.faults.load import Load, Wanted, a_mix, noop, waiting
from tests.faults.others import Others
from tidemill_client.client import Client
from tidemill_contracts.ids import now
from tidemill_stack.stack import Stack

NEVER = {"TM_SWEEP_S": "3600", "TM_ORDER_S": "3600", "TM_ALIVE_S": "3600"}


async def test_a_timer_outlives_the_process_that_set_it(
    hurt: Stack, register: Register, others: Others
) -> None:
    ann = await register(hurt)
    await hurt.take_down("jobs")
    jobs = await others.start("jobs", **NEVER)

    async with Client(jobs.url, ann.tokens.access_token) as client:
        load = Load(ann, client)
        await load.submit([later(each) for each in range(3)])
        jobs.send(signal.SIGKILL)
        found = await audit(hurt, ann.user.tenant_id, load.accepted)
    await hurt.bring_up("jobs")

    for job in found.jobs.values():
        assert job["started_at"] >= job["run_at"]


async def test_orders_that_the_broker_did_not_take_are_sent_once_it_is_back(
    hurt: Stack, register: Register, others: Others
) -> None:
    ann = await register(hurt)
    await hurt.take_down("jobs")
    jobs = await others.start("jobs", **NEVER)
    await hurt.ready("processor")

    async with Client(jobs.url, ann.tokens.access_token) as client:
        load = Load(ann, client)
        await hurt.take_down("nats-server")
        await load.submit(a_mix(8, [waiting, noop]))
        await hurt.bring_up("nats-server")
        found = await audit(hurt, ann.user.tenant_id, load.accepted)
    await hurt.bring_up("jobs")

    assert found.count("succeeded") == 8


def later(number: int) -> Wanted:
    order = {"processor": "noop", "value": number, "run_at": now() + timedelta(seconds=4)}
    return Wanted(order=order, value=number)
