"""Whatever is killed under load, each accepted job ends once, with the right result."""

import asyncio

import pytest

from tests.e2e.conftest import Register
from tests.faults.audit import at_work, audit
from tests.faults.conftest import log_lines
from tests.faults.load import KINDS, Load, a_mix, crashing, waiting
from tidemill_stack.stack import Stack

NOTICED = {
    "jobs": ("processor", "jobs.away"),
    "nats-server": ("jobs", "bus.reconnected"),
    "postgres": ("jobs", "ledger.connection_lost"),
}


@pytest.mark.parametrize("victim", ["jobs", "processor", "nats-server", "postgres"])
async def test_a_kill_under_load_loses_nothing_and_doubles_nothing(
    hurt: Stack, register: Register, size: int, victim: str
) -> None:
    load = Load(await register(hurt))
    before = told(hurt, victim)
    await load.submit([waiting(size, seconds=5.0)])
    await at_work(hurt, load.person.user.tenant_id)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.submit(a_mix(size, [*KINDS, crashing])))
        await load.reached(size // 3)
        killed = hurt.kill(victim)
        back = await hurt.ready(victim, instead_of=killed)
    found = await audit(hurt, load.person.user.tenant_id, load.accepted)

    assert back != killed
    assert len(found.jobs) == size + 1
    assert told(hurt, victim) > before or found.count("attempt_lost") > 0
    assert found.count("retry_scheduled") > 0


def told(stack: Stack, victim: str) -> int:
    """How often others have said that they missed it; of a worker the jobs' events tell."""
    return len(log_lines(stack, *NOTICED[victim])) if victim in NOTICED else 0
