"""The broker is rebuildable: nothing is lost with its store, neither jobs nor events."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.builders import PATIENCE_S
from tests.e2e.conftest import Register
from tests.e2e.people import Person, canonical, until
from tests.faults.audit import QUIET_S, at_work, audit, number_of, tables
from tests.faults.conftest import forget
from tests.faults.load import FOR_EVER, Load, Wanted, a_mix, arithmetic, noop, waiting
from tidemill_client.client import ENDINGS
from tidemill_client.subscription import Item, Received
from tidemill_contracts.datasets import DatasetStatus
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import JobStatus
from tidemill_stack.stack import Stack

ROWS = 20_000
CSV = b"n\n" + b"".join(b"%d\n" % number for number in range(1, ROWS + 1))
ALL_OPEN = {status for status in JobStatus if not status.is_final}


async def test_a_wiped_store_loses_neither_a_job_nor_an_event(
    hurt: Stack, register: Register, size: int
) -> None:
    ann = await register(hurt)
    load, tenant_id = Load(ann), ann.user.tenant_id
    epoch = await epoch_of(hurt)
    await load.submit([noop(1), arithmetic(2)])
    before = {job_id: await ann.ended(job_id) for job_id in load.accepted}
    cursor = [each.cursor for each in before.values()][-1]
    seen: dict[UUID, list[Received]] = {}

    async with ann.client.live("all", types=["job.*"], since="start") as items:
        await load.submit([stubborn(0)])
        await at_work(hurt, tenant_id)
        await load.submit(a_mix(size, [scheduled, recovering_late, long_waiting, arithmetic]))
        await ann.client.cancel(list(load.accepted)[2], grace_s=8)
        datasets = [(await ann.client.upload(CSV, "numbers.csv")).id for _ in range(4)]
        await load.submit([*map(on_dataset, datasets), *(one_at_a_time(n) for n in range(2))])
        await statuses(hurt, tenant_id, ALL_OPEN)
        await hurt.take_down("nats-server")
        forget(hurt)
        await load.submit(a_mix(size // 4, [noop, waiting]))
        await hurt.bring_up("nats-server")
        ended = await every(ann, datasets)
        found = await audit(hurt, tenant_id, load.accepted)
        while len(seen) < len(found.jobs) or any(not is_whole(seen[job]) for job in found.jobs):
            for each in await until(items, *ENDINGS):
                seen.setdefault(each.event.key, []).append(each)

    late = [item async for item in ann.client.events(after=str(cursor), types=["job.*"])]
    assert found.epoch == epoch + 1
    assert {each.status for each in ended} == {DatasetStatus.READY}
    for job_id in found.jobs:
        history = canonical(await ann.client.job_events(job_id))
        assert canonical(unrepeated(seen[job_id])) == history
        assert job_id in before or canonical(unrepeated(of(late, job_id))) == history


def one_at_a_time(number: int) -> Wanted:
    """The second of them is blocked for as long as the first runs."""
    wanted = waiting(number, seconds=8)
    return Wanted(order={**wanted.order, "concurrency_key": "one"}, value=number)


async def epoch_of(stack: Stack) -> int:
    async with tables(stack) as connection:
        return await number_of(connection, "select epoch from log")


async def statuses(stack: Stack, tenant_id: UUID, wanted: set[JobStatus]) -> None:
    """Wait until the tenant has jobs in all of these at the same time."""
    query = "select distinct status from jobs, pg_sleep(0.02) where tenant_id = $1"
    found: set[JobStatus] = set()
    try:
        async with asyncio.timeout(QUIET_S), tables(stack) as connection:
            while not wanted <= found:
                rows = await connection.fetch(query, tenant_id)
                found = {JobStatus(row["status"]) for row in rows}
    except TimeoutError:
        raise AssertionError(f"there are never jobs in {wanted - found}") from None


async def every(person: Person, datasets: list[UUID]) -> list[Any]:
    async with asyncio.timeout(PATIENCE_S):
        return [await person.client.wait_dataset(each) for each in datasets]


def on_dataset(dataset_id: UUID) -> Wanted:
    params = {"columns": ["n"]}
    order = {"processor": "compute_metrics", "params": params, "dataset_id": dataset_id}
    return Wanted(order=order, value=ROWS, look=lambda value: value["columns"]["n"]["max"])


def scheduled(number: int) -> Wanted:
    """Due once the store is gone."""
    order = {"processor": "noop", "value": number, "run_at": now() + timedelta(seconds=12)}
    return Wanted(order=order, value=number)


def recovering_late(number: int) -> Wanted:
    params = {"kind": "transient", "attempts": 3}
    order = {"processor": "fail", "params": params, "value": number}
    return Wanted(order=order, value=number)


def long_waiting(number: int) -> Wanted:
    return waiting(number, seconds=0.4)


def stubborn(number: int) -> Wanted:
    """Never looks at a cancel, so that it is in the middle of one for a while."""
    params = {"milliseconds": FOR_EVER * 1_000}
    order = {"processor": "burn_cpu", "params": params, "value": number}
    return Wanted(order=order, ending=JobStatus.CANCELLED)


def of(items: list[Item], job_id: UUID) -> list[Received]:
    return [each for each in items if isinstance(each, Received) and each.event.key == job_id]


def unrepeated(events: list[Received]) -> list[Received]:
    """Without what came again after the store was rebuilt; order stays."""
    found: list[Received] = []
    for each in events:
        if not found or each.event.seq > found[-1].event.seq:
            found.append(each)
    return found


def is_whole(events: list[Received]) -> bool:
    return any(isinstance(each.event, ENDINGS) for each in events)
