"""A cancel that races the job's ending: its answer, the status and the events agree."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tests.e2e.conftest import Register
from tests.e2e.people import Person
from tests.faults.audit import Finding, audit
from tests.faults.load import Wanted, a_mix, arithmetic, cancelled, mixed_chain, noop, waiting
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import CancelOutcome, JobStatus
from tidemill_stack.stack import Stack

OFFSETS = 8
IN_MID_RUN = {CancelOutcome.COOPERATIVE, CancelOutcome.KILLED}


class Race:
    """A job, the answer to its cancel, and what it must have come to."""

    job_id: UUID
    status: int
    body: dict[str, Any]

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = replace(wanted, ending=None)

    async def run(self, person: Person, looks: int) -> None:
        """Cancel after so many looks at it, or more where it is sure to run for long."""
        job = await person.client.submit(**self.wanted.order)
        self.job_id = job.id
        while looks > 0 or (self.wanted.cancel and job.status is not JobStatus.RUNNING):
            job, looks = await person.client.job(job.id), looks - 1
        answer = await person.ask("POST", f"/v1/jobs/{self.job_id}/cancel", json={"grace_s": 2})
        self.status, self.body = answer.status_code, answer.json()


async def test_every_answer_to_a_cancel_agrees_with_what_became_of_the_job(
    hurt: Stack, register: Register, size: int
) -> None:
    ann = await register(hurt)
    kinds = [noop, arithmetic, briefly, mixed_chain]
    races = [Race(wanted) for wanted in [cancelled(0), tomorrow(0), *a_mix(size, kinds)]]

    async with asyncio.TaskGroup() as tasks:
        for number, race in enumerate(races):
            tasks.create_task(race.run(ann, number // len(kinds) % OFFSETS))
    found = await audit(hurt, ann.user.tenant_id, {race.job_id: race.wanted for race in races})

    for race in races:
        check_answer(race, found)
    assert {race.status for race in races} == {200, 202, 409}


def tomorrow(number: int) -> Wanted:
    """Not begun when it is cancelled, however fast the workers are."""
    order = {"processor": "noop", "run_at": now() + timedelta(days=1)}
    return Wanted(order=order, value=number)


def check_answer(race: Race, found: Finding) -> None:
    job, types = found.jobs[race.job_id], found.types(race.job_id)
    status, cancel = job["status"], msgspec.json.decode(job["cancel"] or "null")
    match race.status:
        case 200:
            assert (race.body["status"], status) == ("cancelled", "cancelled")
            assert cancel["outcome"] == race.body["cancel"]["outcome"] == "not_started"
            assert race.body["seq"] == job["seq"]
            assert "cancel_requested" not in types
        case 202:
            assert race.body["status"] == "cancelling"
            assert types.count("cancel_requested") == 1
            late = cancel["outcome"] == CancelOutcome.TOO_LATE
            assert late or cancel["outcome"] in IN_MID_RUN
            assert late == (status == JobStatus.SUCCEEDED)
        case _:
            assert (race.status, race.body["code"]) == (409, "job_finished")
            assert race.body["job_status"] == status == "succeeded"
            assert cancel is None


def briefly(number: int) -> Wanted:
    return waiting(number, seconds=0.02)
