"""The notifier on real servers: accounts of fresh tenants, and sockets that read frames."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import httpx
import msgspec
import nats
import pytest
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.builders import PATIENCE_S
from tidemill_contracts.catalogue import encode
from tidemill_contracts.identity import Role, User, UserRegistered
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.stream import SUBPROTOCOL
from tidemill_identity.lifecycle import Session
from tidemill_identity.settings import Settings as IdentitySettings
from tidemill_identity.tokens import Signer
from tidemill_kit import streams
from tidemill_kit.settings import load
from tidemill_stack.stack import Stack

SERVICES = ("identity", "ingestion", "jobs", "notifier", "processor")
ENV = {
    "TM_RING_EVENTS": "40",
    "TM_HEARTBEAT_S": "0.5",
    "TM_AUTHENTICATE_S": "1",
    "TM_EXPIRY_WARNING_S": "2",
    "TM_FEED_HEARTBEAT_S": "0.5",
    "TM_ALLOWED_ORIGINS": "https://tools.example.org",
    "TM_WEBHOOK_ALLOW_HTTP": "true",
    "TM_WEBHOOK_PORTS": "*",
    "TM_WEBHOOK_NETWORKS": "127.0.0.0/8",
    "TM_WEBHOOK_TENANT_LIMIT": "5",
    "TM_WEBHOOK_TIMEOUT_S": "1",
    "TM_WEBHOOK_RETRY_FIRST_S": "0.2",
    "TM_WEBHOOK_RETRY_LONGEST_S": "0.5",
    "TM_WEBHOOK_GIVE_UP_S": "2",
    "TM_WEBHOOK_DISABLE_S": "3",
    "TM_WEBHOOK_DISABLE_FAILURES": "4",
    "TM_WEBHOOK_LEASE_S": "3",
    "TM_WEBHOOK_POLL_S": "0.2",
}


async def gather[T](work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    return list(await asyncio.gather(*work))


class Account(Struct):
    """A user of a tenant of its own, with a client for every service."""

    stack: Stack
    user: User
    session: UUID
    http: httpx.AsyncClient

    def token(self, seconds: int = 600) -> str:
        """An access token that identity would have given."""
        env = self.stack.env("identity") | {"TM_ACCESS_TOKEN_S": str(seconds)}
        session = Session(
            id=self.session,
            tenant_id=self.user.tenant_id,
            user_id=self.user.id,
            address="127.0.0.1",
            created_at=now(),
            used_at=now(),
            expires_at=now() + timedelta(hours=1),
        )
        return Signer(load(IdentitySettings, env)).access_token(self.user, session)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    async def submit(self, number: int = 1, *, size: int = 0, **job: Any) -> list[str]:
        """Jobs that wait until tomorrow: each has one event, of at least this size."""
        tomorrow = (now() + timedelta(days=1)).isoformat()
        spec = {"processor": "reverse_string", "value": "x" * size, "run_at": tomorrow, **job}
        posts = [self._post(spec) for _ in range(number)]
        return [
            job_id for at in range(0, number, 16) for job_id in await gather(posts[at : at + 16])
        ]

    async def _post(self, spec: dict[str, Any]) -> str:
        url = f"{self.stack.urls['jobs']}/v1/jobs"
        answer = await self.http.post(url, json=spec, headers=self.headers)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    async def get(self, path: str, **headers: str) -> httpx.Response:
        url = f"{self.stack.urls['notifier']}{path}"
        return await self.http.get(url, headers=self.headers | headers)


class Listener:
    """A socket as a client sees it; heartbeats are read and kept apart."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heartbeats: list[Any] = []

    async def say(self, **frame: Any) -> Self:
        await self.connection.send(msgspec.json.encode(frame).decode())
        return self

    async def hear(self) -> Any:
        """The next frame that is no heartbeat."""
        while True:
            async with asyncio.timeout(PATIENCE_S):
                frame = msgspec.json.decode(await self.connection.recv())
            if frame["op"] != "heartbeat":
                return frame
            self.heartbeats.append(frame)

    async def beats(self, number: int) -> None:
        """Wait for this many heartbeats; nothing else may come."""
        for _ in range(number):
            async with asyncio.timeout(PATIENCE_S):
                frame = msgspec.json.decode(await self.connection.recv())
            assert frame["op"] == "heartbeat"
            self.heartbeats.append(frame)

    async def until(self, op: str) -> list[Any]:
        """All frames up to the first of this kind."""
        frames = [await self.hear()]
        while frames[-1]["op"] != op:
            frames.append(await self.hear())
        return frames

    async def items(self, number: int) -> list[Any]:
        """The next events, at least this many."""
        found: list[Any] = []
        while len(found) < number:
            found += (await self.hear()).get("items", [])
        return found

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the server ends the connection."""
        code, reason, _ = await self.rest()
        return code, reason

    async def rest(self) -> tuple[int, str, list[str]]:
        """Why the server ends the connection, and the cursors that came before.

        Where the kernel gives up first, no close frame comes: one goes on behind what one has.
        """
        seen = list[str]()
        with pytest.raises(ConnectionClosed) as ended:
            await self._read_on(seen)
        if ended.value.rcvd is None and seen:
            return 4008, f"resume from {seen[-1]}", seen
        assert ended.value.rcvd is not None
        return ended.value.rcvd.code, ended.value.rcvd.reason, seen

    async def _read_on(self, seen: list[str]) -> None:
        while True:
            seen += [item["cursor"] for item in (await self.hear()).get("items", [])]


type OpenSocket = Callable[..., Any]


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    folder = tmp_path_factory.mktemp("notifier")
    async with Stack(folder, services=SERVICES, slots=1, env=ENV) as started:
        yield started


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture
def account_of(stack: Stack, http: httpx.AsyncClient) -> Callable[..., Account]:
    def make(role: Role = Role.ADMIN) -> Account:
        user = User(
            id=uuid7(),
            tenant_id=uuid7(),
            email="ann@example.org",
            role=role,
            created_at=now(),
        )
        return Account(stack, user, uuid7(), http)

    return make


@pytest.fixture
def ann(account_of: Callable[..., Account]) -> Account:
    return account_of()


@pytest.fixture
def bob(account_of: Callable[..., Account]) -> Account:
    return account_of()


@pytest.fixture
async def flood(stack: Stack) -> AsyncGenerator[Callable[[Account, int], Awaitable[None]]]:
    """Puts so many events of 60 KB straight into the log: faster than any socket that rests."""
    env = stack.env("identity")
    client = await nats.connect(
        env["TM_NATS_URL"],
        user="identity",
        password=env["TM_NATS_PASSWORD"],
        inbox_prefix=b"_INBOX_identity",
    )

    async def flooding(account: Account, number: int) -> None:
        tenant_id = account.user.tenant_id
        for _ in range(number):
            event = UserRegistered(
                tenant_id=tenant_id, user_id=uuid7(), seq=1, email="x" * 60_000, role=Role.VIEWER
            )
            entry = streams.Entry(event.subject, str(event.id), encode(event))
            await streams.publish(client, streams.EVENTS, entry)

    yield flooding
    await client.close()


@pytest.fixture
def open_socket(stack: Stack) -> OpenSocket:
    """Opens a socket at the notifier's own port, by header if there is a token."""

    @asynccontextmanager
    async def opening(token: str | None = None, **options: Any) -> AsyncGenerator[Listener]:
        url = f"{stack.urls['notifier'].replace('http', 'ws', 1)}/v1/stream"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with connect(
            url,
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
            additional_headers=headers,
            proxy=None,
            max_size=None,
            **options,
        ) as connection:
            yield Listener(connection)

    return opening


@pytest.fixture
def listening(open_socket: OpenSocket) -> Callable[..., Any]:
    """Opens a socket, reads `ready` and subscribes as `s`."""

    @asynccontextmanager
    async def opening(
        account: Account,
        *topics: str,
        **more: Any,
    ) -> AsyncGenerator[Listener]:
        async with open_socket(account.token()) as listener:
            await listener.until("ready")
            await listener.say(op="subscribe", id="s", topics=topics or ["all"], **more)
            yield listener

    return opening


@pytest.fixture
def published(listening: Callable[..., Any]) -> Callable[..., Awaitable[list[str]]]:
    """Submits jobs and waits until the notifier has seen the first event of each."""

    async def submitting(account: Account, number: int = 1, **job: Any) -> list[str]:
        async with listening(account, types=["job.submitted"]) as witness:
            await witness.until("live")
            jobs = await account.submit(number, **job)
            await witness.items(number)
        return jobs

    return submitting
