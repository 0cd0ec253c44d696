"""What processors say is seen live and can be read afterwards, whatever became of them."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.builders import PATIENCE_S
from tests.e2e.conftest import Register
from tests.e2e.people import Person, listening
from tidemill_contracts.jobs import JobStatus, StepSpec
from tidemill_contracts.lines import LineStream, LogLine
from tidemill_stack.stack import Stack


@pytest.fixture(scope="module")
async def ann(hurt: Stack, register: Register) -> Person:
    return await register(hurt)


async def kept(person: Person, job_id: UUID, **which: Any) -> list[LogLine]:
    """All lines of a job, page by page."""
    return [line async for line in person.client.log_lines(job_id, **which)]


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


async def test_lines_come_live_while_the_job_runs_and_stay(hurt: Stack, ann: Person) -> None:
    async with listening(hurt, ann.tokens.access_token) as listener:
        job = await ann.client.submit(processor="wait", value=1, params={"seconds": 600})
        topic = f"job.{job.id}"
        await listener.say(op="subscribe", id="s", topics=[topic], types=["job.log"])
        (*_, said) = await listener.until("log")
        running = await ann.client.job(job.id)
    meanwhile = await until_kept(ann, job.id, 1)
    await ann.client.cancel(job.id, grace_s=0)
    await ann.ended(job.id)

    assert running.status is JobStatus.RUNNING
    assert (said["id"], said["job_id"]) == ("s", str(job.id))
    assert [line["text"] for line in said["lines"]] == ["waiting for 600 s"]
    assert texts(meanwhile) == texts(await kept(ann, job.id)) == ["waiting for 600 s"]
    assert msgspec.convert(said["lines"], list[LogLine]) == meanwhile


async def until_kept(person: Person, job_id: UUID, count: int) -> list[LogLine]:
    async with asyncio.timeout(PATIENCE_S):
        while len(lines := await kept(person, job_id)) < count:
            pass
    return lines


async def test_every_way_to_speak_is_kept_by_the_time_the_job_has_ended(ann: Person) -> None:
    steps = [StepSpec(processor="speak"), StepSpec(processor="wait", params={"seconds": 0})]

    job = await ann.run(steps=steps, value="hello")
    lines = await kept(ann, job.id)

    assert sorted(texts(lines)) == [
        "hello by Python",
        "hello by a process",
        "hello by descriptor",
        "hello by log",
        "hello by stderr",
        "waited",
        "waiting for 0 s",
    ]
    assert [line.number for line in lines] == list(range(1, 8))
    assert texts(await kept(ann, job.id, step="wait")) == ["waiting for 0 s", "waited"]
    assert texts(await kept(ann, job.id, stream=LineStream.STDERR)) == ["hello by stderr"]
    assert await kept(ann, job.id, attempt=2) == []


async def test_each_attempt_has_its_lines(ann: Person) -> None:
    job = await ann.run(processor="fail", value=1, params={"kind": "crash", "attempts": 1})

    lines = [(line.attempt, line.text) for line in await kept(ann, job.id)]

    assert job.status is JobStatus.SUCCEEDED
    assert lines == [(1, "about to fail: crash"), (2, "attempt 2 succeeds")]


async def test_pages_go_on_where_the_last_one_ended(ann: Person) -> None:
    job = await ann.run(processor="speak", value="hello")
    path = f"/v1/jobs/{job.id}/logs"

    first = (await ann.ask("GET", path, params={"limit": 2})).json()
    second = (await ann.ask("GET", path, params={"after": first["next_cursor"]})).json()
    later = (await ann.ask("GET", path, params={"after": second["cursor"]})).json()

    assert [line["number"] for line in first["items"]] == [1, 2]
    assert [line["number"] for line in second["items"]] == [3, 4, 5]
    assert second["next_cursor"] is None
    assert (later["items"], later["next_cursor"]) == ([], None)


@pytest.mark.parametrize("after", ["x", "1", "-1.0", "1.2.3", "99999999999.0", "٣.0"])
async def test_a_cursor_of_nobody_is_refused(ann: Person, after: str) -> None:
    job = await ann.run(processor="noop")

    answer = await ann.ask("GET", f"/v1/jobs/{job.id}/logs", params={"after": after})

    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


async def test_the_whole_log_comes_as_a_file(ann: Person) -> None:
    job = await ann.run(processor="speak", value="\x1b[31mred")
    path = f"/v1/jobs/{job.id}/logs"

    ndjson = await ann.ask("GET", path, headers={"Accept": "application/x-ndjson"})
    plain = await ann.ask("GET", path, headers={"Accept": "text/plain"})

    lines = [msgspec.json.decode(line, type=LogLine) for line in ndjson.content.splitlines()]
    assert lines == await kept(ann, job.id)
    assert any(line.text == "\x1b[31mred by Python" for line in lines)
    assert "attachment" in ndjson.headers["content-disposition"]
    assert b"\x1b" not in plain.content
    assert r"speak  \x1b[31mred by Python" in plain.text


async def test_a_job_that_says_nothing_has_an_empty_log(ann: Person) -> None:
    job = await ann.run(processor="add", value=1, params={"amount": 1})

    assert await kept(ann, job.id) == []


async def test_a_flood_starves_nobody(ann: Person) -> None:
    async with asyncio.timeout(PATIENCE_S):
        job = await ann.client.submit(processor="flood", value=200)
        neighbour = await ann.run(processor="wait", value=1, params={"seconds": 1})
        ended = await ann.ended(job.id)
    lines = await kept(ann, job.id)
    (attempt,) = (await ann.ask("GET", f"/v1/jobs/{job.id}/attempts")).json()["items"]

    assert (ended.status, neighbour.status) == (JobStatus.SUCCEEDED, JobStatus.SUCCEEDED)
    assert attempt["attempt"] == 1
    assert lines[-1].text == "x" * 99
    assert sum(line.left_out or 1 for line in lines) == lines[-1].number
    assert sum(len(msgspec.json.encode(line)) for line in lines) < 1.1 * 2**20


async def test_what_was_said_is_there_when_the_worker_is_killed(hurt: Stack, ann: Person) -> None:
    job = await ann.client.submit(processor="wait", value=1, params={"seconds": 2})
    await until_kept(ann, job.id, 1)

    hurt.kill("processor")
    ended = await ann.ended(job.id)

    lines = [(line.attempt, line.text) for line in await kept(ann, job.id)]
    assert ended.status is JobStatus.SUCCEEDED
    assert lines == [(1, "waiting for 2 s"), (2, "waiting for 2 s"), (2, "waited")]


async def test_following_shows_each_line_once_and_ends_with_the_job(ann: Person) -> None:
    job = await ann.client.submit(processor="wait", value=1, params={"seconds": 4})
    began = time.monotonic()

    async with asyncio.timeout(PATIENCE_S), aclosing(log_of(ann, job.id)) as lines:
        seen = [(line.text, time.monotonic() - began) async for line in lines]

    assert [text for text, _ in seen] == ["waiting for 4 s", "waited"]
    assert seen[0][1] < 3.5


def log_of(person: Person, job_id: UUID) -> AsyncGenerator[LogLine]:
    return person.client.log_lines(job_id, follow=True)


async def test_the_command_prints_lines_that_cannot_steer_the_terminal(
    hurt: Stack, ann: Person, tmp_path: Path
) -> None:
    job = await ann.client.submit(processor="speak", value="\x1b[2J\x9b31mred")
    command = [str(Path(sys.executable).with_name("tidemill")), "--url", hurt.url]
    env = {"TM_TOKEN": ann.tokens.access_token, "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    process = await asyncio.create_subprocess_exec(
        *command, "logs", str(job.id), "--follow", env=env, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()

    lines = out.decode().splitlines()
    assert process.returncode == 0, err.decode()
    assert len(lines) == 5
    assert any(line.endswith(r"speak  \x1b[2J\x9b31mred by Python") for line in lines)
    assert any(r"warning: \x1b[2J\x9b31mred by log  words=1" in line for line in lines)


async def test_an_ingest_says_what_it_found(ann: Person) -> None:
    dataset = await ann.client.upload(b"a,b\n1,2\n3,4\n", "numbers.csv")
    await ann.client.wait_dataset(dataset.id)
    jobs = (await ann.ask("GET", "/v1/jobs", params={"system": "true"})).json()["items"]
    job_id = next(UUID(each["id"]) for each in jobs if each["dataset_id"] == str(dataset.id))

    lines = await kept(ann, job_id)

    assert texts(lines) == ["opened", "read 2 rows", "described 2 columns"]
