"""Jobs are accepted while the broker is away, whoever was started first."""

from tests.e2e.conftest import Register
from tests.faults.audit import audit
from tests.faults.load import Load, a_mix, arithmetic, mixed_chain, noop, waiting
from tidemill_contracts.jobs import JobStatus
from tidemill_stack.stack import Stack

SERVICES = ("jobs", "identity", "ingestion", "notifier", "processor")


async def test_services_that_start_before_the_broker_accept_jobs_and_run_them_later(
    hurt: Stack, register: Register, size: int
) -> None:
    load = Load(await register(hurt))
    await load.submit([noop(0)])
    await load.person.ended(next(iter(load.accepted)))

    await hurt.take_down("nats-server")
    killed = {name: hurt.kill(name) for name in SERVICES}
    for name in ("jobs", "ingestion"):
        await hurt.ready(name, instead_of=killed[name])
    await load.submit(a_mix(size, [noop, arithmetic, waiting, mixed_chain]))
    shown = [await load.person.client.job(job_id) for job_id in load.accepted]
    ready = await load.person.http.get(f"{hurt.urls['jobs']}/readyz")
    await hurt.bring_up("nats-server")
    found = await audit(hurt, load.person.user.tenant_id, load.accepted)

    assert ready.status_code == 200
    assert ready.json()["nats"] == "away"
    assert {job.status for job in shown[1:]} <= {JobStatus.QUEUED, JobStatus.BLOCKED}
    assert found.count("succeeded") == size + 1
