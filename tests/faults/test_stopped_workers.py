"""A worker that stands still beyond its lease and comes back can change nothing any more."""

import signal
from uuid import UUID

import msgspec
import pytest

from tests.e2e.conftest import Register
from tests.faults.audit import Finding, at_work, audit
from tests.faults.conftest import logged
from tests.faults.load import Load, Wanted
from tests.faults.others import Others, family, send_to_all
from tidemill_contracts.jobs import StepSpec
from tidemill_stack.stack import Stack

CSV = b"n\n" + b"".join(b"%d\n" % number for number in range(1, 2_001))
SLOTS = 3
SECONDS = 3
GAVE_UP = ("attempt.superseded", "attempt.abandoned", "attempt.overtaken")
FIRST = {"TM_WORKER_NAME": "first", "TM_SLOTS": str(SLOTS)}


@pytest.mark.parametrize("wakes", ["while the other works", "when all is over"])
async def test_a_worker_that_slept_beyond_its_lease_changes_nothing(
    hurt: Stack, register: Register, others: Others, wakes: str
) -> None:
    ann = await register(hurt)
    load, tenant_id = Load(ann), ann.user.tenant_id
    dataset = await ann.client.wait_dataset((await ann.client.upload(CSV, "numbers.csv")).id)
    await hurt.take_down("processor")
    sleeper = await others.start("processor", **FIRST)

    await load.submit([into_an_object(dataset.id), *map(slow, range(1, SLOTS))])
    await at_work(hurt, tenant_id, SLOTS)
    asleep = family(sleeper.pid or 0)
    send_to_all(asleep, signal.SIGSTOP)
    await hurt.bring_up("processor")
    await at_work(hurt, tenant_id, SLOTS, attempt=2)
    if wakes == "when all is over":
        await audit(hurt, tenant_id, load.accepted)
    send_to_all(asleep, signal.SIGCONT)
    found = await audit(hurt, tenant_id, load.accepted)
    name = sleeper.component.name.removeprefix("tidemill-")
    await logged(hurt, name, *GAVE_UP, count=SLOTS)
    after = await audit(hurt, tenant_id, load.accepted)

    assert found.count("attempt_lost") == SLOTS
    assert (after.jobs, after.events) == (found.jobs, found.events)
    assert after.attempts == found.attempts
    outcomes = [attempt["outcome"] for attempt in found.attempts_of(load.accepted)]
    assert outcomes == ["lost", "succeeded"] * SLOTS
    check_objects(after)
    check_times(after)


def check_times(found: Finding) -> None:
    """Nobody's result was taken for that of the run that had only begun."""
    took = [a["finished_at"] - a["started_at"] for a in found.attempts if a["attempt"] == 2]
    assert len(took) == SLOTS
    assert min(took).total_seconds() > SECONDS - 0.5


def check_objects(found: Finding) -> None:
    """Whatever is kept of a frame lies under the run that was the last."""
    frames = 0
    last = {attempt["job_id"]: attempt["run_id"] for attempt in found.attempts}
    for job_id, job in found.jobs.items():
        for step in msgspec.json.decode(job["steps"]):
            if frame := step["kept"].get("frame"):
                frames += 1
                assert f"/2-{last[job_id]}/" in str(frame)
    assert frames == 1


def into_an_object(dataset_id: UUID) -> Wanted:
    """Its result is a frame, and is not made before some seconds have passed."""
    steps = [
        StepSpec(processor="wait", params={"seconds": SECONDS}),
        StepSpec(processor="select_columns", params={"columns": ["n"]}),
    ]
    return Wanted(order={"steps": steps, "dataset_id": dataset_id})


def slow(number: int) -> Wanted:
    order = {"processor": "wait", "params": {"seconds": SECONDS}, "value": number}
    return Wanted(order=order, value=number)
