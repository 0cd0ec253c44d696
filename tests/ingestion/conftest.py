"""Ingestion on real servers, with identity beside it for tokens."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from litestar import Litestar
from msgspec import Struct
from sqlalchemy import text

import tidemill_identity.app
import tidemill_identity.settings
import tidemill_ingestion.app
from tidemill_ingestion.settings import Settings
from tidemill_kit.settings import load
from tidemill_kit.storage import Storage
from tidemill_stack.stack import Stack

PASSWORD = "a good pass phrase"
MEBIBYTE = 1024 * 1024


class Started(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Service(Struct):
    """A running service; `stop` waits for the requests that it is answering."""

    app: Litestar
    url: str
    stop: Callable[[], Awaitable[None]]


class Caller(Struct):
    """A signed-in user of a tenant of its own."""

    http: httpx.AsyncClient
    tenant_id: str
    token: str
    email: str


type MakeIngestion = Callable[..., Litestar]
type StartIngestion = Callable[..., Awaitable[Service]]
type SignIn = Callable[..., Awaitable[Caller]]


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

    async def stop() -> None:
        server.should_exit = True
        await running

    yield Service(app, url, stop)
    await stop()


@pytest.fixture(scope="session")
async def identity(infra: Stack) -> AsyncGenerator[Service]:
    settings = load(tidemill_identity.settings.Settings, infra.env("identity"))
    async with serving(tidemill_identity.app.create_app(settings)) as service:
        yield service


@pytest.fixture(scope="session")
def make(infra: Stack, identity: Service) -> MakeIngestion:
    """Makes ingestion with the settings given on top of the stack's.

    Links are signed for the object store itself, since no gateway runs here.
    """

    def made(**settings: str) -> Litestar:
        env = infra.env("ingestion") | {
            "TM_JWKS_URL": f"{identity.url}/.well-known/jwks.json",
            "TM_PUBLIC_URL": infra.s3_endpoint,
            **{f"TM_{name.upper()}": value for name, value in settings.items()},
        }
        return tidemill_ingestion.app.create_app(load(Settings, env))

    return made


@pytest.fixture(scope="session")
async def ingestion(make: MakeIngestion) -> AsyncGenerator[Service]:
    async with serving(make()) as service:
        yield service


@pytest.fixture(scope="module")
async def parted(make: MakeIngestion) -> AsyncGenerator[Service]:
    """Ingestion with the smallest parts that S3 takes."""
    async with serving(make(upload_part_bytes=str(5 * MEBIBYTE))) as service:
        yield service


@pytest.fixture
async def start(make: MakeIngestion) -> AsyncGenerator[StartIngestion]:
    """Starts ingestion with such settings; each ends with its test, and its connections."""
    async with AsyncExitStack() as running:

        async def begin(**settings: str) -> Service:
            return await running.enter_async_context(serving(make(**settings)))

        yield begin


@pytest.fixture(scope="session")
async def sign_in(identity: Service, ingestion: Service) -> AsyncGenerator[SignIn]:
    """Makes a user with a tenant of its own, perhaps with a lesser role."""
    async with AsyncExitStack() as opened:

        async def begin(role: str = "admin", service: Service | None = None) -> Caller:
            body = {"email": f"ann-{uuid4().hex[:12]}@example.org", "password": PASSWORD}
            async with httpx.AsyncClient(base_url=identity.url, timeout=30) as auth:
                made = (await auth.post("/v1/auth/register", json=body)).json()
                async with identity.app.state.database.transaction() as connection:
                    change = text("update users set role = :role where email = :email")
                    await connection.execute(change, {"role": role, "email": body["email"]})
                tokens = (await auth.post("/v1/auth/token", json=body)).json()
            token = tokens["access_token"]
            http = httpx.AsyncClient(
                base_url=(service or ingestion).url,
                timeout=30,
                headers={"Authorization": f"Bearer {token}"},
            )
            await opened.enter_async_context(http)
            return Caller(http, made["tenant"]["id"], token, body["email"])

        yield begin


@pytest.fixture(scope="session")
async def ann(sign_in: SignIn) -> Caller:
    return await sign_in()


@pytest.fixture(scope="session")
async def bob(sign_in: SignIn) -> Caller:
    """Somebody of another tenant."""
    return await sign_in()


@pytest.fixture
async def eve(parted: Service, sign_in: SignIn) -> Caller:
    """Somebody who sends large files."""
    return await sign_in(service=parted)


@pytest.fixture(scope="session")
async def store(infra: Stack) -> AsyncGenerator[Storage]:
    """The object store with all rights."""
    key = infra.credentials.s3["admin"]
    env = infra.env("ingestion") | {
        "TM_S3_ACCESS_KEY": key.access_key,
        "TM_S3_SECRET_KEY": key.secret_key,
        "TM_PUBLIC_URL": infra.s3_endpoint,
    }
    async with Storage.open(load(Settings, env)) as storage:
        yield storage


@pytest.fixture
async def uploaded(ann: Caller) -> dict[str, Any]:
    """A dataset of Ann's whose bytes are stored."""
    answer = await ann.http.post("/v1/datasets?name=a.csv", content=b"a,b\n1,2\n")
    return answer.json()
