"""Identity on real servers: fixtures that start it in this process with any settings."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import httpx
import pytest
import uvicorn
from litestar import Litestar
from msgspec import Struct

from tidemill_identity.app import create_app
from tidemill_identity.settings import Settings
from tidemill_kit.settings import load
from tidemill_stack.stack import Stack

PASSWORD = "a good pass phrase"


class Started(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Service(Struct):
    """A running service, its address and a client for it."""

    app: Litestar
    url: str
    http: httpx.AsyncClient


type StartIdentity = Callable[..., Awaitable[Service]]


@asynccontextmanager
async def serving(app: Litestar) -> AsyncGenerator[Service]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Started(
        uvicorn.Config(app, log_config=None, ws="none", lifespan="on", timeout_keep_alive=75)
    )
    running = asyncio.create_task(server.serve([listener]))
    waiting = asyncio.create_task(server.listening.wait())
    await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        yield Service(app, url, http)
    server.should_exit = True
    await running


def made(infra: Stack, **settings: str) -> Litestar:
    """Identity with the settings given on top of the stack's."""
    env = infra.env("identity") | {f"TM_{k.upper()}": v for k, v in settings.items()}
    return create_app(load(Settings, env))


@pytest.fixture(scope="session")
async def identity(infra: Stack) -> AsyncGenerator[Service]:
    async with serving(made(infra)) as service:
        yield service


@pytest.fixture
async def start(infra: Stack) -> AsyncGenerator[StartIdentity]:
    """Starts identity with such settings; each ends with its test, and its connections."""
    async with AsyncExitStack() as running:

        async def begin(**settings: str) -> Service:
            return await running.enter_async_context(serving(made(infra, **settings)))

        yield begin


@pytest.fixture
def email() -> str:
    """An address that nobody has."""
    return f"ann-{uuid4().hex[:12]}@example.org"


@pytest.fixture
def credentials(email: str) -> dict[str, str]:
    return {"email": email, "password": PASSWORD}


@pytest.fixture
async def signed_in(identity: Service, credentials: dict[str, str]) -> dict[str, str]:
    """The token pair of a user who has just registered."""
    await identity.http.post("/v1/auth/register", json=credentials)
    answer = await identity.http.post("/v1/auth/token", json=credentials)
    return answer.json()
