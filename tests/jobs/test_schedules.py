"""Schedules over HTTP, with the whole system behind them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.builders import PATIENCE_S
from tests.e2e.people import Person, signed_anew, tidemill
from tidemill_client.problems import ApiProblem
from tidemill_contracts.jobs import JobStatus, SubmitJob
from tidemill_contracts.schedules import ChangeSchedule, MakeSchedule, RunOutcome, ScheduleRun
from tidemill_stack.stack import Stack

NOOP: dict[str, Any] = {"processor": "noop", "value": 1}


def nightly(**fields: Any) -> MakeSchedule:
    job = SubmitJob(processor="noop", value=1)
    given: dict[str, Any] = {"name": uuid4().hex, "job": job, "cron": "0 2 * * *"} | fields
    return MakeSchedule(**given)


async def a_run(person: Person, schedule_id: Any) -> ScheduleRun:
    """The first run whose job has succeeded."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for run in (await person.client.schedule_runs(schedule_id)).items:
                if run.job_status is JobStatus.SUCCEEDED:
                    return run


async def test_a_schedule_submits_jobs_by_itself(ann: Person) -> None:
    made = await ann.client.make_schedule(nightly(cron=None, every=1))

    run = await a_run(ann, made.id)
    await ann.client.pause_schedule(made.id, "seen enough")

    assert run.outcome is RunOutcome.SUBMITTED
    found = (await ann.client.jobs(labels={"schedule_id": str(made.id)})).items
    assert run.job_id in {job.id for job in found}
    assert {job.labels["schedule"] for job in found} == {made.name}


async def test_a_schedule_is_kept_changed_paused_and_forgotten(ann: Person) -> None:
    made = await ann.client.make_schedule(nightly(time_zone="Europe/Berlin"))
    change = ChangeSchedule(cron=None, every=3_600, pause_on_failure=3)

    changed = await ann.client.change_schedule(made.id, change)
    paused = await ann.client.pause_schedule(made.id, "holidays")
    listed = (await ann.client.schedules()).items
    resumed = await ann.client.resume_schedule(made.id)
    await ann.client.delete_schedule(made.id)

    assert (changed.cron, changed.every, changed.pause_on_failure) == (None, 3_600, 3)
    assert (paused.paused, paused.note, paused.next_run_at) == (True, "holidays", None)
    assert made.id in {each.id for each in listed}
    assert (resumed.paused, resumed.note) == (False, None)
    assert resumed.next_run_at
    with pytest.raises(ApiProblem, match="no such schedule"):
        await ann.client.schedule(made.id)


async def test_a_schedule_runs_now_when_it_is_told_to(ann: Person) -> None:
    made = await ann.client.make_schedule(nightly())

    job = await ann.client.run_schedule(made.id, idempotency_key="once")
    again = await ann.client.run_schedule(made.id, idempotency_key="once")
    ended = await ann.ended(job.id)
    shown = await ann.client.schedule(made.id)

    assert (again.id, ended.status) == (job.id, JobStatus.SUCCEEDED)
    assert shown.last_run
    assert (shown.last_run.job_id, shown.last_run.job_status) == (job.id, JobStatus.SUCCEEDED)
    assert shown.next_run_at == made.next_run_at


async def test_times_are_shown_before_and_after_a_schedule_is_made(ann: Person) -> None:
    preview = await ann.client.preview_times(cron="0 2 * * *", time_zone="Asia/Tokyo", count=3)
    made = await ann.client.make_schedule(nightly(time_zone="Asia/Tokyo"))

    following = await ann.client.next_times(made.id, count=3)

    assert preview == following
    assert made.next_run_at == following[0]
    assert {moment.hour for moment in following} == {17}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"cron": "x x x x x"}, "schedule_invalid"),
        ({"every": 5}, "schedule_invalid"),
        ({"time_zone": "Mars/Olympus"}, "schedule_invalid"),
        ({"job": {"processor": "unheard_of"}}, "processor_unknown"),
        ({"job": NOOP | {"run_at": "2099-01-01T00:00:00Z"}}, "job_not_for_schedules"),
        ({"job": NOOP | {"dataset_id": str(uuid4())}}, "input_ambiguous"),
    ],
)
async def test_what_could_not_run_is_not_kept(
    ann: Person, fields: dict[str, Any], code: str
) -> None:
    order = {"name": "n", "job": NOOP, "cron": "0 2 * * *"} | fields

    answer = await ann.ask("POST", "/v1/schedules", json=order)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_name_is_taken_once(ann: Person) -> None:
    order = {"name": "daily", "job": NOOP, "cron": "0 2 * * *"}
    key = {"Idempotency-Key": uuid4().hex}

    first = await ann.ask("POST", "/v1/schedules", json=order, headers=key)
    replayed = await ann.ask("POST", "/v1/schedules", json=order, headers=key)
    second = await ann.ask("POST", "/v1/schedules", json=order)

    assert (first.status_code, replayed.json()["id"]) == (201, first.json()["id"])
    assert (second.status_code, second.json()["code"]) == (409, "schedule_exists")


CALLS = [
    ("GET", ""),
    ("PATCH", ""),
    ("GET", "/next"),
    ("GET", "/runs"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/run"),
    ("DELETE", ""),
]


async def test_a_foreign_schedule_looks_like_none(ann: Person, bob: Person) -> None:
    made = await ann.client.make_schedule(nightly())

    answers = [
        await bob.ask(
            method, f"/v1/schedules/{made.id}{path}", **({"json": {}} if method == "PATCH" else {})
        )
        for method, path in CALLS
    ]

    assert {(each.status_code, each.json()["code"]) for each in answers} == {
        (404, "schedule_not_found")
    }
    assert (await ann.client.schedule(made.id)).seq == 1


async def test_a_viewer_looks_and_touches_nothing(stack: Stack, ann: Person) -> None:
    made = await ann.client.make_schedule(nightly())
    token = signed_anew(stack, ann.tokens.access_token, role="viewer")
    headers = {"Authorization": f"Bearer {token}"}

    statuses = {
        (method, path): (
            await ann.http.request(
                method,
                f"/v1/schedules/{made.id}{path}",
                headers=headers,
                json={} if method == "PATCH" else None,
            )
        ).status_code
        for method, path in CALLS
    }

    assert statuses == {call: 200 if call[0] == "GET" else 403 for call in CALLS}


async def test_the_command_makes_and_lists_schedules(stack: Stack, ann: Person) -> None:
    order = ["--every", "3600", "--processor", "noop", "--value", "1"]

    code, shown, notes = await tidemill(ann, stack, "schedules", "create", "hourly", *order)
    _, listed, _ = await tidemill(ann, stack, "schedules", "list")

    assert (code, notes) == (0, "")
    assert "hourly" in shown
    assert "every 3600 s" in listed
