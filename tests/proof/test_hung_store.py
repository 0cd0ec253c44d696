"""The object store stands still for a minute, with the time limits that operators have."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.conftest import HERE, SHORT_TIMERS
from tests.e2e.conftest import Register
from tests.e2e.people import types, until
from tests.faults.test_hung_store import LARGE, made
from tidemill_contracts.job_events import FailureKind, JobRetryScheduled, JobSucceeded
from tidemill_stack.stack import Stack

HANGS_S = 60.0
ANSWERED_S = 30.0  # what the client waits for at most


@pytest.fixture
async def system(tmp_path: Path) -> AsyncGenerator[Stack]:
    own = {"TM_PROCESSOR_PATHS": str(HERE / "processor" / "child" / "own")}
    async with Stack(tmp_path, slots=2, env=SHORT_TIMERS | own) as started:
        yield started


def everything(path: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What asks the store for something."""
    return [
        ("POST", "/v1/datasets?name=a", {"content": b"a,b\n3,4\n"}),
        ("POST", "/v1/datasets?name=b", {"content": bytes(20_000_000)}),
        ("POST", "/v1/uploads", {"json": {"name": "c", "size_bytes": 9}}),
        *(("GET", f"{path}/{part}", {}) for part in ("content", "preview", "profile")),
    ]


async def test_a_minute_without_the_store_costs_answers_and_attempts_and_nothing_else(
    system: Stack, register: Register
) -> None:
    ann = await register(system)
    kept = await ann.client.wait_dataset((await ann.client.upload(b"a,b\n1,2\n", "kept")).id)
    path = f"/v1/datasets/{kept.id}"
    link = (await ann.ask("GET", f"{path}/content?redirect=false")).json()["uri"]
    began = monotonic()
    asked = everything(path)

    system.kill("weed", signal.SIGSTOP)
    async with ann.client.live("all") as items:
        job = await ann.client.submit(**LARGE)
        await made(ann, job)
        answers = await asyncio.gather(
            ann.http.get(link),
            *(ann.ask(method, where, **options) for method, where, options in asked),
        )
        took = monotonic() - began
        events = await until(items, JobRetryScheduled, of=job.id)
        seen = await ann.ask("GET", path)
        while monotonic() < began + HANGS_S:
            events += await until(items, JobRetryScheduled, of=job.id)
        system.kill("weed", signal.SIGCONT)
        events += await until(items, JobSucceeded, of=job.id)

    told = [(each.status_code, each.json()["code"]) for each in answers]
    assert told == [(503, "upstream_away"), *[(503, "storage_away")] * len(asked)]
    assert all(each.headers["retry-after"] for each in answers)
    assert took < ANSWERED_S
    assert seen.status_code == 200
    assert [each.id for each in (await ann.client.datasets()).items] == [kept.id]
    retries = [each.event for each in events if isinstance(each.event, JobRetryScheduled)]
    assert {each.kind for each in retries} == {FailureKind.INFRASTRUCTURE}
    assert {each.error.code for each in retries} == {"storage_away"}
    assert "job.attempt_lost" not in types(events)
