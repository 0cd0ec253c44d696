"""Lines on their way: shown to whoever listens, kept also where the jobs service was away."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.builders import PATIENCE_S
from tidemill_contracts.ids import uuid7
from tidemill_contracts.lines import KeepLines, LineStream, LiveLines, LogLine
from tidemill_contracts.work import Held, RunTask, WorkStep
from tidemill_kit import bus
from tidemill_kit.settings import Settings, load
from tidemill_processor.journal import Journal
from tidemill_processor.trips import Trips
from tidemill_stack.stack import Stack


@pytest.fixture
async def client(infra: Stack) -> AsyncGenerator[Client]:
    connected = await bus.connect(load(Settings, infra.env("processor")), "processor")
    yield connected
    await connected.close()


@pytest.fixture
async def jobs(infra: Stack) -> AsyncGenerator[Client]:
    connected = await bus.connect(load(Settings, infra.env("jobs")), "jobs")
    yield connected
    await connected.close()


def a_journal(client: Client, trips: Trips[bool]) -> tuple[Journal, RunTask]:
    task = RunTask(task_id=uuid7(), job_id=uuid7(), tenant_id=uuid7(), dispatch=1)
    held = Held(task_id=task.task_id, job_id=task.job_id, attempt=1, run_id=uuid7())
    return Journal(client, trips, task, held, [WorkStep(name="a", processor="a")]), task


async def test_lines_are_shown_before_the_attempt_has_ended(infra: Stack, client: Client) -> None:
    notifier = await bus.connect(load(Settings, infra.env("notifier")), "notifier")
    journal, task = a_journal(client, Trips(client, "tm.rpc.jobs.lines", bool))
    shown = await notifier.subscribe(f"tm.log.{task.tenant_id.hex}.{task.job_id.hex}")
    await notifier.flush()

    journal.hear(LineStream.STDOUT, b"one\ntwo\nnot yet")

    live = msgspec.json.decode((await shown.next_msg(10)).data, type=LiveLines)
    await notifier.close()
    assert [msgspec.json.decode(line, type=LogLine).text for line in live.lines] == ["one", "two"]


async def test_what_could_not_be_kept_at_once_is_kept_once_and_in_order(
    client: Client, jobs: Client
) -> None:
    trips = Trips(client, "tm.rpc.jobs.lines", bool)
    carrying = asyncio.create_task(trips.run())
    journal, task = a_journal(client, trips)
    journal.hear(LineStream.STDOUT, b"".join(b"%d\n" % n for n in range(3_000)))

    async with asyncio.timeout(PATIENCE_S):
        await journal.finish()
        kept = await all_kept(jobs, task.job_id, 3_000)
    carrying.cancel()

    assert [line.text for line in kept] == [str(n) for n in range(3_000)]
    assert [line.number for line in kept] == list(range(1, 3_001))


async def all_kept(jobs: Client, job_id: UUID, count: int) -> list[LogLine]:
    """Answer in the place of the jobs service, until so many lines have come."""
    kept: list[LogLine] = []
    ordinals: list[int] = []
    enough = asyncio.Event()

    async def keep(message: Msg) -> None:
        said = msgspec.json.decode(message.data, type=list[KeepLines])
        for each in said:
            assert each.job_id == job_id
            if each.ordinal not in ordinals:
                ordinals.append(each.ordinal)
                kept.extend(msgspec.json.decode(line, type=LogLine) for line in each.lines)
        await message.respond(msgspec.json.encode([True] * len(said)))
        if len(kept) >= count:
            enough.set()

    await jobs.subscribe("tm.rpc.jobs.lines", cb=keep)
    await enough.wait()
    assert ordinals == sorted(ordinals)
    return kept
