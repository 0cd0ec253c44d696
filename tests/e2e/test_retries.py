"""A job that ended, run again through the gateway."""

from datetime import UTC, datetime
from uuid import uuid4

from tests.e2e.people import Person
from tidemill_contracts.jobs import JobStatus, StepSpec

STEPS = [
    StepSpec(processor="filter_rows", params={"where": [{"column": "n", "op": "gt", "value": 1}]}),
    StepSpec(processor="compute_metrics", name="metrics", params={"columns": ["missing"]}),
]


async def test_a_failed_step_is_run_again_with_other_parameters_on_what_was_kept(
    ann: Person,
) -> None:
    dataset = await ann.client.wait_dataset((await ann.client.upload(b"n\n1\n2\n3\n")).id)
    first = await ann.run(steps=STEPS, dataset_id=dataset.id)
    params = {"metrics": {"columns": ["n"]}}
    key = uuid4().hex

    made = await ann.client.retry(first.id, from_step="metrics", params=params, idempotency_key=key)
    twice = await ann.client.retry(
        first.id, from_step="metrics", params=params, idempotency_key=key
    )
    job = await ann.ended(made.id)
    rows = await ann.client.output(job.id, step="filter_rows", format="csv").value()

    assert first.status is JobStatus.FAILED
    assert (made.retry_of, twice.id) == (first.id, made.id)
    assert job.status is JobStatus.SUCCEEDED
    assert job.result
    assert isinstance(job.result.value, dict)
    assert job.result.value["rows"] == 2
    assert job.attempt == 1
    assert rows == b"n\n2\n3\n"


async def test_what_cannot_be_run_again_is_refused(ann: Person, bob: Person) -> None:
    job = await ann.run(processor="add", params={"amount": 1}, value=1)
    waiting = await ann.client.submit(processor="noop", run_at=datetime(2100, 1, 1, tzinfo=UTC))
    path = f"/v1/jobs/{job.id}/retry"

    unknown = await ann.ask("POST", path, json={"from_step": "nothing"})
    misfit = await ann.ask("POST", path, json={"params": {"add": {"amount": "one"}}})
    early = await ann.ask("POST", f"/v1/jobs/{waiting.id}/retry")
    foreign = await bob.ask("POST", path)
    plain = await ann.ask("POST", path)

    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "from_step")
    assert (misfit.status_code, misfit.json()["errors"][0]["field"]) == (422, "params.add.amount")
    assert (early.status_code, early.json()["code"]) == (409, "job_not_finished")
    assert foreign.status_code == 404
    assert (plain.status_code, plain.json()["retry_of"]) == (202, str(job.id))
