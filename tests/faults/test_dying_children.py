"""A child that dies takes its own task along, no other; a worker asked to leave drains."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import Register
from tests.faults.audit import at_work, audit
from tests.faults.load import Load, Wanted, waiting
from tests.faults.others import Others, family
from tidemill_stack.stack import Stack


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
async def test_a_child_that_dies_takes_only_its_own_task_along(
    hurt: Stack, register: Register, number: signal.Signals
) -> None:
    load = Load(await register(hurt))
    tenant_id, supervisor = load.person.user.tenant_id, hurt.pid("processor") or 0

    await load.submit([waiting(each, seconds=3) for each in range(3)])
    await at_work(hurt, tenant_id, 3)
    os.kill(slot_children(supervisor)[0], number)
    found = await audit(hurt, tenant_id, load.accepted)

    assert hurt.pid("processor") == supervisor
    assert found.count("step_failed") == found.count("retry_scheduled") == 1
    assert sorted(job["attempt"] for job in found.jobs.values()) == [1, 1, 2]


async def test_a_worker_that_is_asked_to_leave_finishes_or_hands_back(
    hurt: Stack, register: Register, others: Others
) -> None:
    load = Load(await register(hurt))
    tenant_id = load.person.user.tenant_id
    await hurt.take_down("processor")
    leaving = await others.start(
        "processor", TM_WORKER_NAME="leaving", TM_SLOTS="4", TM_DRAIN_S="6"
    )

    await load.submit(
        [*(once(each, 1) for each in range(2)), *(once(each, 12) for each in range(2))]
    )
    await at_work(hurt, tenant_id, 4)
    await leaving.stop()
    await hurt.bring_up("processor")
    found = await audit(hurt, tenant_id, load.accepted)

    outcomes = [attempt["outcome"] for attempt in found.attempts]
    assert outcomes.count("succeeded") == 4
    # on a busy machine a short one, too, may not end in time
    assert 2 <= outcomes.count("released") == len(outcomes) - 4 <= 3
    assert found.count("retry_scheduled") == found.count("step_failed") == 0


def once(number: int, seconds: float) -> Wanted:
    """A single failure of any kind would end it."""
    wanted = waiting(number, seconds)
    return Wanted(order={**wanted.order, "max_attempts": 1}, value=number)


def slot_children(supervisor: int) -> list[int]:
    """The children that run tasks in slots, not the one for pure steps."""
    words = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in family(supervisor)[1:]}
    return [pid for pid, said in words.items() if '"pure":false' in said]
