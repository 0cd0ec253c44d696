"""Several jobs services behind one PostgreSQL and one NATS, one of which may stand still."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.e2e.conftest import Register
from tests.e2e.people import Person
from tests.faults.audit import QUIET_S, at_work, audit, number_of, tables
from tests.faults.conftest import log_lines, wipe
from tests.faults.load import Load, Wanted, a_mix, arithmetic, noop
from tests.faults.others import Other, Others, local_ports
from tidemill_client.client import Client
from tidemill_contracts.datasets import Dataset
from tidemill_stack.stack import Stack

METRICS = {"processor": "compute_metrics", "params": {"columns": ["n"]}}
FENCE = "select fence from publisher, pg_sleep(0.05)"
DEADLOCKS = "select deadlocks::int from pg_stat_database where datname = current_database()"
IN_TRANSACTION = """
select exists (select 1 from pg_stat_activity where client_port = any($1)
    and application_name = 'tidemill-jobs-ledger' and state = 'idle in transaction')
from pg_sleep(0.02)
"""


@pytest.fixture
async def replicas(others: Others) -> list[Other]:
    """Two more; the one that the stack has keeps its lease as publisher."""
    return [await others.start("jobs") for _ in range(2)]


@pytest.fixture
async def ann(
    hurt: Stack, register: Register, replicas: list[Other]
) -> AsyncGenerator[tuple[Person, Load]]:
    """Somebody whose submits go to all replicas in turn."""
    person = await register(hurt)
    token = person.tokens.access_token
    async with Client(replicas[0].url, token) as second, Client(replicas[1].url, token) as third:
        yield person, Load(person, person.client, second, third)


async def test_three_replicas_share_the_load_in_order_and_without_deadlocks(
    hurt: Stack, ann: tuple[Person, Load], replicas: list[Other], size: int
) -> None:
    person, load = ann
    names = ["jobs", *(each.component.name.removeprefix("tidemill-") for each in replicas)]
    async with tables(hurt) as connection:
        deadlocks = await number_of(connection, DEADLOCKS)
        again = sum(len(log_lines(hurt, name, "ledger.again")) for name in names)

        await load.submit(a_mix(size * 2))
        await audit(hurt, person.user.tenant_id, load.accepted)

        again = sum(len(log_lines(hurt, name, "ledger.again")) for name in names) - again
        assert await number_of(connection, DEADLOCKS) - deadlocks <= 1
    assert again <= size // 10 + 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_when_the_publisher_dies_or_sleeps_another_goes_on_in_order(
    hurt: Stack, ann: tuple[Person, Load], size: int, number: signal.Signals
) -> None:
    person, load = ann

    async with asyncio.TaskGroup() as tasks, tables(hurt) as connection:
        fence = await connection.fetchval(FENCE)
        tasks.create_task(load.submit(a_mix(size)))
        await at_work(hurt, person.user.tenant_id)
        hit = hurt.kill("jobs", number)
        async with asyncio.timeout(QUIET_S):
            while await connection.fetchval(FENCE) == fence:
                pass
        if number is signal.SIGSTOP:
            await connection.execute("select pg_sleep(2)")
            os.kill(hit, signal.SIGCONT)
    await hurt.ready("jobs")
    found = await audit(hurt, person.user.tenant_id, load.accepted)

    assert len(found.jobs) == size


async def test_a_replica_that_stops_in_a_transaction_does_not_keep_its_locks(
    hurt: Stack, register: Register, replicas: list[Other], size: int
) -> None:
    person = await register(hurt)

    async with Client(replicas[0].url, person.tokens.access_token) as second:
        load = Load(person, second)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.submit(a_mix(size * 4, [noop, arithmetic])))
            hit = await stop_in_transaction(hurt)
        while_it_sleeps = await audit(hurt, person.user.tenant_id, load.accepted)
        os.kill(hit, signal.SIGCONT)
    awake = await audit(hurt, person.user.tenant_id, load.accepted)

    assert awake == while_it_sleeps


async def test_after_a_wipe_every_replica_follows_the_new_store(
    hurt: Stack, register: Register, replicas: list[Other]
) -> None:
    person = await register(hurt)
    load = Load(person)
    for _ in range(3):
        await person.client.wait_dataset((await upload(person)).id)

    await wipe(hurt)
    assert len(replicas) == 2
    for _ in range(6):
        dataset = await upload(person)
        await load.submit([Wanted(order={**METRICS, "dataset_id": dataset.id}, value=2, look=most)])
    await audit(hurt, person.user.tenant_id, load.accepted)


def most(value: Any) -> Any:
    return value["columns"]["n"]["max"]


async def upload(person: Person) -> Dataset:
    return await person.client.upload(b"n\n1\n2\n", "numbers.csv")


async def stop_in_transaction(stack: Stack) -> int:
    """Stop the jobs service while its ledger is in the middle of a transaction: its pid."""
    async with asyncio.timeout(QUIET_S), tables(stack) as connection:
        pid = stack.pid("jobs") or 0
        while True:
            os.kill(pid, signal.SIGSTOP)
            if await connection.fetchval(IN_TRANSACTION, local_ports(pid)):
                return pid
            os.kill(pid, signal.SIGCONT)
            await connection.execute("select pg_sleep(0.003)")
