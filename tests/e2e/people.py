"""Users of fresh tenants, and what they see of the system through its gateway."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.builders import PATIENCE_S
from tidemill_client.client import ENDINGS, Client
from tidemill_client.live import Live
from tidemill_client.subscription import Received
from tidemill_contracts.event import Event
from tidemill_contracts.identity import TokenPair, User
from tidemill_contracts.jobs import Job
from tidemill_contracts.stream import SUBPROTOCOL, Gap
from tidemill_stack.stack import Stack

PASSWORD = "a long enough sentence"


class Person(Struct):
    """The admin of a tenant of its own, with a client and with bare HTTP."""

    user: User
    tokens: TokenPair
    client: Client
    http: httpx.AsyncClient

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.access_token}"}

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer as it is, refusals and redirects too."""
        headers = self.headers | options.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **options)

    async def run(self, **fields: Any) -> Job:
        """Submit a job and wait for its ending."""
        return await self.ended((await self.client.submit(**fields)).id)

    async def ended(self, job_id: UUID) -> Job:
        async with asyncio.timeout(PATIENCE_S):
            return await self.client.wait(job_id)

    async def jobs_and_datasets(self) -> tuple[int, int]:
        """How many jobs and datasets the tenant has."""
        jobs, datasets = await self.client.jobs(), await self.client.datasets()
        return len(jobs.items), len(datasets.items)


class Listener:
    """A socket as a client sees it; heartbeats are read over."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **frame: Any) -> Self:
        await self.connection.send(msgspec.json.encode(frame).decode())
        return self

    async def until(self, op: str) -> list[Any]:
        """All frames up to the first of this kind."""
        frames: list[Any] = []
        async with asyncio.timeout(PATIENCE_S):
            while not frames or frames[-1]["op"] != op:
                frame = msgspec.json.decode(await self.connection.recv())
                frames += [frame] if frame["op"] != "heartbeat" or op == "heartbeat" else []
        return frames

    async def closed(self) -> int:
        """The code with which the server ends the connection."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 0


@asynccontextmanager
async def listening(
    stack: Stack, token: str | None = None, *, path: str = "/v1/stream"
) -> AsyncGenerator[Listener]:
    """A socket through the gateway, with the token in the handshake if there is one."""
    async with connect(
        f"{stack.url.replace('http', 'ws', 1)}{path}",
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        additional_headers={"Authorization": f"Bearer {token}"} if token else {},
        proxy=None,
    ) as connection:
        yield Listener(connection)


async def tidemill(person: Person, stack: Stack, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and notes of the command."""
    settings = {"TM_URL": stack.url, "TM_TOKEN": person.tokens.access_token}
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("tidemill")),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | settings,
    )
    output, notes = await process.communicate()
    return process.returncode or 0, output.decode(), notes.decode()


async def until(items: Live, *kinds: type[Event], of: UUID | None = None) -> list[Received]:
    """The events (of one job or dataset) up to the first of these kinds."""
    seen: list[Received] = []
    async with asyncio.timeout(PATIENCE_S):
        async for item in items:
            assert not isinstance(item, Gap), item
            if isinstance(item, Received) and of in (None, item.event.key):
                seen.append(item)
                if isinstance(item.event, kinds):
                    return seen
    raise AssertionError("the stream has ended")


async def until_ended(items: Live, job_id: UUID) -> list[Received]:
    return await until(items, *ENDINGS, of=job_id)


def types(events: list[Received]) -> list[str]:
    return [each.event.type for each in events]


def canonical(events: list[Received]) -> list[bytes]:
    """Each event's JSON with its members in order."""
    return [msgspec.json.encode(each.body, order="deterministic") for each in events]


def signed_anew(stack: Stack, token: str, **claims: Any) -> str:
    """The token with other claims, signed by the key that identity signs with."""
    pem = Path(stack.env("identity")["TM_JWT_PRIVATE_KEY_FILE"]).read_bytes()
    key: Any = load_pem_private_key(pem, None)
    before = jwt.decode(token, options={"verify_signature": False})
    headers = jwt.get_unverified_header(token)
    return jwt.encode({**before, **claims}, key, algorithm="EdDSA", headers=headers)
