"""How the log comes to a notifier: never more of it than is read."""

import os
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from tidemill_kit import streams
from tidemill_stack.stack import Stack

MUCH = 700
PAGE_BYTES = 1024 * 1024


@pytest.fixture
async def jobs(stack: Stack) -> AsyncGenerator[Client]:
    """Connected as the one service that may look at everything."""
    env = stack.env("jobs")
    client = await nats.connect(
        env["TM_NATS_URL"],
        user="jobs",
        password=env["TM_NATS_PASSWORD"],
        inbox_prefix=b"_INBOX_jobs",
    )
    yield client
    await client.close()


@contextmanager
def stopped(stack: Stack, name: str) -> Generator[None]:
    """The process does nothing meanwhile."""
    pid = stack.pid(name)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_notifier_that_does_not_read_is_sent_no_more(
    stack: Stack, ann: Any, flood: Any, jobs: Client, listening: Any
) -> None:
    async with listening(ann) as listener:
        await listener.until("live")

        with stopped(stack, "notifier"):
            await flood(ann, MUCH)
            found = await streams.ask(jobs, "CONSUMER.LIST.EVENTS")

    # the first may have been too slow for what came at once: a replay is pulled
    async with listening(ann, since="start") as again:
        assert len(await again.items(MUCH)) == MUCH
    (feed,) = [each for each in found["consumers"] if "deliver_subject" in each["config"]]
    assert feed["num_pending"] > 0


async def test_a_page_of_the_stream_is_about_a_megabyte(ann: Any, flood: Any, jobs: Client) -> None:
    subjects = f"tm.event.{ann.user.tenant_id.hex}.>"
    await flood(ann, 40)

    pages: list[list[streams.Stored]] = []
    start = 1
    while page := await streams.read(jobs, streams.EVENTS, start, subjects=subjects):
        pages.append(page)
        start = page[-1].sequence + 1

    assert sum(map(len, pages)) == 40
    assert all(sum(len(each.body) for each in page) < 2 * PAGE_BYTES for page in pages)
    assert len(pages) > 1
