"""Consumers between services: each event has its effect once, whatever the cursor says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from functools import partial

import pytest
from nats.aio.client import Client
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.builders import PATIENCE_S
from tidemill_contracts import catalogue
from tidemill_contracts.identity import UserDisabled
from tidemill_contracts.ids import uuid7
from tidemill_contracts.log import AskEpoch
from tidemill_jobs import topology
from tidemill_kit import bus, consumers, history, streams
from tidemill_kit.db import Database
from tidemill_kit.reactions import Consumers
from tidemill_kit.settings import Settings, load
from tidemill_stack.stack import Stack

HURRY = "update consumers set epoch = log.epoch, position = 1000 from log where owner = 'identity'"
NOTED = "select count(*) from inbox where event_id = :id"


@pytest.fixture
async def opened() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def identity(infra: Stack, opened: AsyncExitStack) -> Client:
    """Answers for its history, as the service does."""
    settings = load(Settings, infra.env("identity"))
    client = await bus.connect(settings, "test")
    opened.push_async_callback(client.close)
    own = await opened.enter_async_context(Database.open(settings, "identity"))
    await history.serve(client, own)
    return client


@pytest.fixture
async def jobs(infra: Stack, opened: AsyncExitStack) -> tuple[Client, Database]:
    """Answers for the epoch, as the service does."""
    settings = load(Settings, infra.env("jobs"))
    client = await bus.connect(settings, "test")
    opened.push_async_callback(client.close)
    database = await opened.enter_async_context(Database.open(settings, "jobs"))
    await bus.answer(
        client, "tm.rpc.jobs.epoch", AskEpoch, partial(topology.epoch, client, database)
    )
    return client, database


def disabled() -> UserDisabled:
    return UserDisabled(tenant_id=uuid7(), user_id=uuid7(), seq=2)


async def publish(client: Client, event: UserDisabled) -> None:
    subject = f"tm.event.{event.tenant_id}.user.disabled"
    entry = streams.Entry(subject, event.id.hex, catalogue.encode(event), {})
    await streams.publish(client, streams.EVENTS, entry)


async def test_an_event_that_the_cursor_went_past_has_its_effect_once(
    infra: Stack, identity: Client, jobs: tuple[Client, Database]
) -> None:
    client, database = jobs
    seen: asyncio.Queue[UserDisabled] = asyncio.Queue()
    reacting = Consumers("jobs")
    passed, last = disabled(), disabled()

    async def react(event: UserDisabled, connection: AsyncConnection) -> None:
        del connection
        if event.id in (passed.id, last.id):
            seen.put_nowait(event)

    reacting.on(UserDisabled)(react)
    follower = consumers.Follower(reacting, "identity", database, client)
    await follower.catch_up()
    await publish(identity, passed)
    async with database.transaction() as connection:
        await connection.execute(text(HURRY))

    following = asyncio.create_task(
        consumers.follow(reacting, database, load(Settings, infra.env("jobs")), client)
    )
    async with asyncio.timeout(PATIENCE_S):
        first = await seen.get()
        await publish(identity, passed)
        await publish(identity, last)
        second = await seen.get()
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following

    async with database.transaction() as connection:
        noted = await connection.scalar(text(NOTED), {"id": passed.id})
    assert [first.id, second.id, noted] == [passed.id, last.id, 1]
