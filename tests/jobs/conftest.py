"""The jobs service's machines on real servers."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

import asyncpg
import pytest
from tests.jobs.office import Office

from tidemill_jobs.settings import JobsSettings
from tidemill_kit.db import Database
from tidemill_kit.settings import load
from tidemill_stack.stack import Stack

type OpenOffice = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture(scope="session")
async def infra(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    """Servers with every service's tables, and no service."""
    async with Stack(tmp_path_factory.mktemp("infra"), services=()) as stack:
        yield stack


@pytest.fixture(scope="session")
async def database(infra: Stack) -> AsyncGenerator[Database]:
    async with Database.open(load(JobsSettings, infra.env("jobs")), "jobs") as opened:
        yield opened


@pytest.fixture
async def owner(infra: Stack) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that sees and may do everything."""
    settings = {"search_path": "jobs"}
    connection = await asyncpg.connect(infra.postgres_url(), server_settings=settings)
    yield connection
    await connection.close()


@pytest.fixture
def open_office(infra: Stack, database: Database) -> OpenOffice:
    """Opens a replica: a ledger of its own, for workers on a queue of their own."""
    return partial(Office.open, infra.env("jobs")["TM_DATABASE_URL"], database)


@pytest.fixture
async def office(open_office: OpenOffice) -> AsyncGenerator[Office]:
    async with open_office() as opened:
        yield opened


@pytest.fixture
async def replicas(open_office: OpenOffice) -> AsyncGenerator[list[Office]]:
    """Two ledgers for the same queue."""
    async with AsyncExitStack() as opened:
        first = await opened.enter_async_context(open_office())
        second = await opened.enter_async_context(open_office(first.queue))
        yield [first, second]
