"""The plain stack under measure: FastAPI, Celery, Redis and a PostgreSQL configured as ours is."""

import asyncio
import hashlib
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

import asyncpg
import msgspec

from tests.bench.feed import Feed
from tests.bench.load import request, upload_head
from tests.bench.publishers import ToRedis
from tests.bench.side import Chain, Door, Publisher, Received, Standing, Who, Worker
from tidemill_stack import postgres, probes
from tidemill_stack.child import Child
from tidemill_stack.component import Component
from tidemill_stack.ports import Ports
from tidemill_stack.settings import bare, cpu_count

PROJECT = Path(__file__).parent / "peers"
PROGRAMS = PROJECT / ".venv" / "bin"
STARTED_S = 60.0

STANDING = """
select count(*), count(*) filter (where status = 'completed'), 0,
    coalesce(extract(epoch from max(updated_at) filter (where status = 'completed')), 0)::float8
from jobs where "user" = $1
"""
CHAINS = """select params, partial from jobs where "user" = $1"""
VERSIONS = """
from importlib.metadata import version
import json, sys
names = ("fastapi", "uvicorn", "sqlalchemy", "asyncpg", "psycopg", "celery", "redis")
sys.stdout.write(json.dumps({name: version(name) for name in names}))
"""


class Notice(msgspec.Struct):
    job_id: str
    status: str


class Params(msgspec.Struct):
    value: int


_notice = msgspec.json.Decoder(Notice).decode


class Plain:
    """The side that people put together today; it checks no token."""

    name = "plain"

    def __init__(self, parts: list[Child], pool: asyncpg.Pool, worker: Worker) -> None:
        self._parts, self._pool = parts, pool
        self.worker: Worker | None = worker
        ports = {each.component.name: each.component.port for each in parts}
        here, self._redis_port = ("127.0.0.1", ports["uvicorn"]), ports["redis-server"]
        self.doors = {"service": Door("service", here, here)}
        self.uploads, self.taker = {"service": here}, "uvicorn"

    def roots(self) -> dict[str, int]:
        running = {each.component.name: each.pid for each in self._parts if each.pid}
        if self.worker and self.worker.pid:
            running["celery"] = self.worker.pid
        return running

    async def versions(self) -> dict[str, str]:
        process = await asyncio.create_subprocess_exec(
            PROGRAMS / "python", "-c", VERSIONS, stdout=PIPE
        )
        out, _ = await process.communicate()
        found = msgspec.json.decode(out, type=dict[str, str])
        server = await asyncio.create_subprocess_exec(
            shutil.which("redis-server") or "redis-server", "--version", stdout=PIPE
        )
        out, _ = await server.communicate()
        found["redis-server"] = out.decode().partition("v=")[2].partition(" ")[0]
        found["PostgreSQL"] = str(await self._pool.fetchval("show server_version"))
        return found

    async def newcomer(self) -> Who:
        return Who(uuid4().hex)

    def job(self, who: Who, kind: str, **params: float | str) -> bytes:
        order = {"user": who.name, "kind": kind, "params": params}
        return request("POST", "/jobs", msgspec.json.encode(order))

    def pipeline(self, who: Who, value: int) -> bytes:
        order = {"user": who.name, "value": value}
        return request("POST", "/pipeline", msgspec.json.encode(order))

    def alive(self) -> bytes:
        return request("GET", "/health")

    def uploading(self, who: Who, size: int) -> bytes:
        return upload_head(f"/files/{who.name}", size)

    async def kept(self, who: Who, answer: bytes) -> str:  # noqa: ARG002 - files are nobody's here
        """It keeps a plain file, and no digest of it."""
        return await asyncio.to_thread(_digest, Path(msgspec.json.decode(answer, type=str)))

    async def straight(self, blocks: AsyncIterator[bytes]) -> None:
        """It has no object store."""

    async def watch(self, who: Who, door: Door, received: Received) -> Feed:
        return await Feed.open(door.sockets, f"/ws/{who.name}", received)

    def endings(self, payload: bytes) -> list[str]:
        notice = _notice(payload)
        return [notice.job_id] if notice.status == "completed" else []

    async def publisher(self, who: Who) -> Publisher:
        return await ToRedis.open(self._redis_port, who.name)

    async def standing(self, who: Who) -> Standing:
        return Standing(*await self._pool.fetchrow(STANDING, who.name))

    async def chains(self, who: Who) -> list[Chain]:
        rows = await self._pool.fetch(CHAINS, who.name)
        return [_chain(row["params"], row["partial"]) for row in rows]

    async def ended_twice(self, who: Who) -> None:
        """Nothing fences it: every execution that gets to its end has its effect."""


def _chain(params: str, partial: str) -> Chain:
    value = msgspec.json.decode(params, type=Params).value
    return Chain(value, msgspec.json.decode(partial, type=list[int]))


def _digest(file: Path) -> str:
    with file.open("rb") as kept:
        digest = hashlib.file_digest(kept, "sha256").hexdigest()
    file.unlink()
    return digest


def missing() -> str | None:
    """Why the plain stack cannot be measured here; None where it can."""
    if shutil.which("redis-server") is None:
        return "redis-server is not installed (Debian: apt-get install redis-server)"
    if shutil.which("uv") is None:
        return "uv is not on the path"
    return None


async def install() -> None:
    """Bring its own environment up to its lock file."""
    process = await asyncio.create_subprocess_exec(
        shutil.which("uv") or "uv",
        "sync",
        "--quiet",
        "--frozen",
        "--project",
        str(PROJECT),
        env={k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT")},
    )
    if await process.wait() != 0:
        raise RuntimeError(f"uv sync --project {PROJECT} failed")


@asynccontextmanager
async def served(folder: Path) -> AsyncGenerator[Plain]:
    """Fresh servers and one API process; the bench starts and stops the worker."""
    for name in ("files", "logs", "secrets", "redis"):
        (folder / name).mkdir(parents=True)
    ports, password = Ports({}), token_hex(16)
    clean = bare(dict(os.environ))
    database = f"tidemill:{password}@127.0.0.1:{ports.take('postgres')}/tidemill"
    redis_url = f"redis://127.0.0.1:{ports.take('redis')}/0"
    told = clean | {
        "PLAIN_DATABASE": database,
        "PLAIN_REDIS_URL": redis_url,
        "PLAIN_FILES": str(folder / "files"),
        "PYTHONPATH": str(PROJECT),
    }
    await postgres.prepare(folder / "postgres", folder / "secrets", password, clean)
    port = ports.take("api")
    async with AsyncExitStack() as opened:
        opened.callback(ports.release)
        parts: list[Child] = []

        async def start(component: Component) -> None:
            child = Child(component, folder / "logs", _unheard)
            opened.push_async_callback(child.stop)
            child.start()
            await child.ready(STARTED_S)
            parts.append(child)

        number = ports.given["postgres"]
        await start(postgres.component(folder / "postgres", number, password, clean))
        await postgres.make_database(number, password)
        await start(_redis(folder, ports.given["redis"], clean))
        await start(_api(folder, port, told))
        worker = Worker(_celery(folder, told), folder / "logs")
        opened.push_async_callback(worker.stop)
        pool = await opened.enter_async_context(
            asyncpg.create_pool(f"postgresql://{database}", min_size=1, max_size=2)
        )
        yield Plain(parts, pool, worker)


def _redis(folder: Path, port: int, env: dict[str, str]) -> Component:
    async def ready() -> None:
        await probes.listens("127.0.0.1", port)

    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder / "redis")]
    return Component(
        name="redis-server",
        command=[shutil.which("redis-server") or "redis-server", *options],
        environment=env,
        port=port,
        ready=ready,
        folder=folder,
    )


def _api(folder: Path, port: int, env: dict[str, str]) -> Component:
    async def ready() -> None:
        await probes.answers(f"http://127.0.0.1:{port}/health")

    options = ["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop"]
    quiet = ["--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return Component(
        name="uvicorn",
        command=[str(PROGRAMS / "uvicorn"), "plain.api:app", *options, *quiet],
        environment=env,
        port=port,
        ready=ready,
        folder=folder,
    )


def _celery(folder: Path, env: dict[str, str]) -> Component:
    async def ready() -> None:
        """It is ready once it has run a job; the bench sends one."""

    options = ["--concurrency", str(cpu_count()), "--loglevel", "WARNING"]
    return Component(
        name="celery",
        command=[str(PROGRAMS / "celery"), "-A", "plain.tasks", "worker", *options],
        environment=env,
        port=0,
        ready=ready,
        folder=folder,
    )


def _unheard() -> None:
    """Nobody is told of a part's life."""
