"""Users of fresh tenants."""

import importlib.util
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.people import PASSWORD, Person
from tidemill_client.client import Client
from tidemill_contracts.ids import uuid7
from tidemill_stack.stack import Stack

type Register = Callable[[Stack], Awaitable[Person]]


@pytest.fixture(scope="module")
async def register() -> AsyncGenerator[Register]:
    """Registers at a stack and signs in: a person with a tenant of its own."""
    async with AsyncExitStack() as open_ones:

        async def registered(stack: Stack) -> Person:
            email = f"{uuid7().hex}@example.org"
            client = await open_ones.enter_async_context(Client(stack.url, retries=20))
            http = httpx.AsyncClient(base_url=stack.url, timeout=30)
            await open_ones.enter_async_context(http)
            made = await client.register(email, PASSWORD)
            tokens = await client.sign_in(email, PASSWORD)
            return Person(made.user, tokens, client, http)

        yield registered


@pytest.fixture
async def ann(stack: Stack, register: Register) -> Person:
    return await register(stack)


@pytest.fixture
async def bob(stack: Stack, register: Register) -> Person:
    return await register(stack)


@pytest.fixture
async def http(stack: Stack) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody whom nobody knows."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The folder of real data sets that the `vega_datasets` wheel brings."""
    found = importlib.util.find_spec("vega_datasets")
    assert found
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "_data"
