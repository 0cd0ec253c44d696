"""A worker that stands still beyond its lease and comes back can change nothing any more."""

import signal
from uuid import UUID

import msgspec

from tests.e2e.conftest import Register
from tests.faults.audit import Finding, at_work, audit
from tests.faults.conftest import logged
from tests.faults.load import Load, Wanted
from tests.faults.others import Others, family, send_to_all
from tidemill_contracts.jobs import StepSpec
from tidemill_stack.stack import Stack

CSV = b"n\n" + b"".join(b"%d\n" % number for number in range(1, 2_001))
SLOTS = 4
GAVE_UP = ("attempt.superseded", "attempt.abandoned", "attempt.overtaken")
FIRST = {"TM_WORKER_NAME": "first", "TM_SLOTS": str(SLOTS)}


async def test_a_worker_that_slept_beyond_its_lease_changes_nothing(
    hurt: Stack, register: Register, others: Others
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
    found = await audit(hurt, tenant_id, load.accepted)
    send_to_all(asleep, signal.SIGCONT)
    name = sleeper.component.name.removeprefix("tidemill-")
    await logged(hurt, name, *GAVE_UP, count=SLOTS)
    after = await audit(hurt, tenant_id, load.accepted)

    assert found.count("attempt_lost") == SLOTS
    assert (after.jobs, after.events) == (found.jobs, found.events)
    assert after.attempts == found.attempts
    check_objects(after)


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
        StepSpec(processor="wait", params={"seconds": 2}),
        StepSpec(processor="select_columns", params={"columns": ["n"]}),
    ]
    return Wanted(order={"steps": steps, "dataset_id": dataset_id})


def slow(number: int) -> Wanted:
    order = {"processor": "wait", "params": {"seconds": 2}, "value": number}
    return Wanted(order=order, value=number)
