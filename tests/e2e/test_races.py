"""To read a thing and then to follow it leaves no hole, whenever it happens."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.builders import PATIENCE_S
from tests.e2e.people import Person
from tidemill_client.live import Live
from tidemill_client.subscription import Received, Subscription
from tidemill_contracts.jobs import Job

RACERS = 8
NOOP: dict[str, Any] = {"processor": "noop"}
WAIT: dict[str, Any] = {"processor": "wait", "params": {"seconds": 0.05}}


@pytest.fixture(scope="session")
def races() -> int:
    """How often it is tried; ten times as often in tests/proof."""
    return 100


async def test_what_was_read_and_what_follows_make_one_history(ann: Person, races: int) -> None:
    """A job is handed in, read and followed from the cursor of what was read."""
    numbers = iter(range(races))

    async def race() -> list[bool]:
        return [await raced(ann, number) for number in numbers]

    open_ones = [
        is_open
        for some in await asyncio.gather(*[race() for _ in range(RACERS)])
        for is_open in some
    ]

    assert len(open_ones) == races
    assert sum(open_ones) > races // 10


async def raced(person: Person, number: int) -> bool:
    """Whether the job was still going on when it was read."""
    # most jobs end while they are read; some must not
    order = WAIT if number % 3 == 0 else NOOP
    job_id = (await person.client.submit(**order, value=number)).id
    read = await person.client.job(job_id)
    followed = await followed_from(person, read, ["all"] if number % 2 else [f"job.{job_id}"])
    history = [each.event.seq for each in await person.client.job_events(job_id)]
    assert [*range(1, read.seq + 1), *followed] == history
    return not read.status.is_final


async def followed_from(person: Person, read: Job, topics: list[str]) -> list[int]:
    """The numbers of the events that come after a body was read, up to the job's ending."""
    last = (await person.ended(read.id)).seq if read.status.is_final else None
    subscription = Subscription(topics, types=["job.*"], since=str(read.cursor))
    seqs: list[int] = []
    if last == read.seq:
        return seqs
    async with asyncio.timeout(PATIENCE_S), Live(person.client.gateway, subscription) as items:
        async for item in items:
            if isinstance(item, Received) and is_new(item, read.id, read.seq):
                seqs.append(item.event.seq)
                if item.event.type in ("job.succeeded", "job.failed"):
                    break
    return seqs


def is_new(item: Received, job_id: UUID, seq: int) -> bool:
    """A body may be newer than its cursor: what it shows already is dropped."""
    return item.event.key == job_id and item.event.seq > seq
