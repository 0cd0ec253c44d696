"""The jobs service's machines on real servers."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

import asyncpg
import httpx
import pytest

from tests.e2e.people import PASSWORD, Person
from tests.jobs.office import Office
from tidemill_client.client import Client
from tidemill_contracts.ids import uuid7
from tidemill_jobs.settings import JobsSettings
from tidemill_kit.db import Database
from tidemill_kit.settings import load
from tidemill_stack.stack import Stack

type SignUp = Callable[[], Awaitable[Person]]
type OpenOffice = Callable[..., AbstractAsyncContextManager[Office]]


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


@pytest.fixture(scope="session")
async def sign_up(stack: Stack) -> AsyncGenerator[SignUp]:
    """Makes a person with a tenant of its own, whose bare HTTP goes to the jobs service itself."""
    async with AsyncExitStack() as opened:

        async def begin() -> Person:
            email = f"{uuid7().hex}@example.org"
            client = await opened.enter_async_context(Client(stack.url, retries=20))
            http = httpx.AsyncClient(base_url=stack.urls["jobs"], timeout=30)
            await opened.enter_async_context(http)
            made = await client.register(email, PASSWORD)
            return Person(made.user, await client.sign_in(email, PASSWORD), client, http)

        yield begin


@pytest.fixture(scope="session")
async def ann(sign_up: SignUp) -> Person:
    return await sign_up()


@pytest.fixture(scope="session")
async def bob(sign_up: SignUp) -> Person:
    """Somebody of another tenant."""
    return await sign_up()
