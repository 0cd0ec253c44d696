"""Real servers without services, started once; clients of NATS and of the object store."""

from asyncio import Queue
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nats
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from nats.aio.client import Client

from tidemill_kit.settings import Settings
from tidemill_kit.storage import Storage
from tidemill_stack.stack import Stack

BUCKET = "tidemill-results"

type ConnectAs = Callable[[str], Awaitable[tuple[Client, Queue[str]]]]
type StoreFor = Callable[[str], Awaitable[Any]]


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    folder = tmp_path_factory.mktemp("servers")
    folder.chmod(0o700)
    async with Stack(folder / "data", services=()) as stack:
        yield stack


@pytest.fixture
async def connect_as(servers: Stack) -> AsyncGenerator[ConnectAs]:
    """Connects as a service's NATS user; the queue gets what the server refuses it."""
    async with AsyncExitStack() as open_ones:

        async def connect(user: str) -> tuple[Client, Queue[str]]:
            refused = Queue[str]()

            async def note(error: Exception) -> None:
                refused.put_nowait(str(error))

            client = await nats.connect(
                servers.nats_url,
                user=user,
                password=servers.credentials.nats[user],
                inbox_prefix=f"_INBOX_{user}".encode(),
                error_cb=note,
            )
            open_ones.push_async_callback(client.close)
            return client, refused

        yield connect


@pytest.fixture
async def store_for(servers: Stack) -> AsyncGenerator[StoreFor]:
    """An S3 client with the keys of an identity, such as `processor`."""
    async with AsyncExitStack() as open_ones:

        async def make(identity: str, endpoint: str | None = None) -> Any:
            key = servers.credentials.s3[identity]
            client = get_session().create_client(
                "s3",
                endpoint_url=endpoint or servers.s3_endpoint,
                region_name="us-east-1",
                aws_access_key_id=key.access_key,
                aws_secret_access_key=key.secret_key,
                config=AioConfig(signature_version="s3v4", s3={"addressing_style": "path"}),
            )
            return await open_ones.enter_async_context(client)

        yield make


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).parents[2]


def store_settings(servers: Stack, endpoint: str) -> Settings:
    """What the processor needs for its part of the store, at this address."""
    key = servers.credentials.s3["processor"]
    return Settings(
        s3_endpoint=endpoint,
        public_url=servers.s3_endpoint,
        s3_access_key=key.access_key,
        s3_secret_key=key.secret_key,
    )


@pytest.fixture
async def storage(servers: Stack) -> AsyncGenerator[Storage]:
    async with Storage.open(store_settings(servers, servers.s3_endpoint)) as opened:
        yield opened
