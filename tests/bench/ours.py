"""Tidemill under measure: with a worker that the bench stops and kills, or by `tidemill up`."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec

from tests.bench.feed import Feed
from tests.bench.load import request, upload_head
from tests.bench.publishers import ToJetStream
from tests.bench.side import Chain, Door, Publisher, Received, Standing, Who, Worker, address
from tidemill_client.client import Client
from tidemill_contracts.datasets import Dataset
from tidemill_contracts.stream import SUBPROTOCOL
from tidemill_kit.settings import Settings, load
from tidemill_kit.storage import Storage
from tidemill_stack import attach, probes, services, state
from tidemill_stack.component import Component
from tidemill_stack.errors import NotReady
from tidemill_stack.servers import program
from tidemill_stack.settings import cpu_count, environment
from tidemill_stack.stack import Stack
from tidemill_stack.supervise import Options

PROCESSORS = Path(__file__).parent / "processors"
PASSWORD = "a long enough sentence"
STOP_S = 30.0

STANDING = """
select count(*), count(*) filter (where status = 'succeeded'),
    count(*) filter (where status in ('failed', 'cancelled', 'expired')),
    coalesce(extract(epoch from max(finished_at)), 0)::float8
from jobs.jobs where tenant_id = $1::text::uuid
"""
CHAINS = "select given, steps from jobs.jobs where tenant_id = $1::text::uuid"
TWICE = """
select count(*) from (
    select 1 from jobs.events where tenant_id = $1::text::uuid and type = 'job.succeeded'
    group by key having count(*) > 1
) as doubled
"""


class Seen(msgspec.Struct):
    """Of an event on the socket what the bench needs."""

    type: str
    job_id: str | None = None


class Item(msgspec.Struct):
    event: Seen


class Frame(msgspec.Struct):
    op: str
    items: list[Item] = []
    code: str | None = None


_frame = msgspec.json.Decoder(Frame).decode


class Tidemill:
    """The side that is ours."""

    name = "tidemill"

    def __init__(
        self,
        url: str,
        urls: dict[str, str],
        roots: Callable[[], dict[str, int]],
        pool: asyncpg.Pool,
        *,
        worker: Worker | None = None,
        nats: tuple[str, str] | None = None,
        store: Settings | None = None,
    ) -> None:
        self._store = store
        self._url, self._roots, self._pool, self._nats = url, roots, pool, nats
        self.worker = worker
        gateway = address(url)
        self.doors = {
            "service": Door("service", address(urls["jobs"]), address(urls["notifier"])),
            "gateway": Door("gateway", gateway, gateway),
        }
        self.uploads = {"service": address(urls["ingestion"]), "gateway": gateway}
        self.taker = "tidemill-ingestion"

    def roots(self) -> dict[str, int]:
        running = self.worker.pid if self.worker else None
        return self._roots() | ({"tidemill-processor": running} if running else {})

    async def versions(self) -> dict[str, str]:
        return {
            "Tidemill": version("tidemill-stack"),
            "PostgreSQL": str(await self._pool.fetchval("show server_version")),
        }

    async def newcomer(self) -> Who:
        email = f"{uuid4().hex}@example.org"
        async with Client(self._url, retries=20) as client:
            made = await client.register(email, PASSWORD)
            tokens = await client.sign_in(email, PASSWORD)
        return Who(str(made.user.tenant_id), tokens.access_token)

    def job(self, who: Who, kind: str, **params: float | str) -> bytes:
        body = msgspec.json.encode({"processor": kind, "params": params})
        return request("POST", "/v1/jobs", body, token=who.token)

    def pipeline(self, who: Who, value: int) -> bytes:
        body = msgspec.json.encode({"value": value})
        return request("POST", "/v1/pipelines/arithmetic/jobs", body, token=who.token)

    def alive(self) -> bytes:
        return request("GET", "/livez")

    def uploading(self, who: Who, size: int) -> bytes:
        return upload_head("/v1/datasets?name=bench.bin", size, token=who.token)

    async def kept(self, who: Who, answer: bytes) -> str:
        dataset = msgspec.json.decode(answer, type=Dataset)
        async with Client(self._url, token=who.token, retries=20) as client:
            await client.delete_dataset(dataset.id, purge=True)
        return dataset.sha256 or ""

    async def straight(self, blocks: AsyncIterator[bytes]) -> float | None:
        """As fast as the kit's own stream into parts, without HTTP before it."""
        if self._store is None:
            return None
        async with Storage.open(self._store) as storage:
            began = time.perf_counter()
            await storage.put_stream(self._store.s3_datasets_bucket, "bench/straight", blocks)
            seconds = time.perf_counter() - began
            await storage.delete(self._store.s3_datasets_bucket, "bench/straight")
        return seconds

    async def watch(self, who: Who, door: Door, received: Received) -> Feed:
        """As the dashboard does: all events of the tenant."""
        live = asyncio.Event()

        def first(payload: bytes, _: float) -> None:
            if _frame(payload).op == "live":
                live.set()

        headers = {
            "Authorization": f"Bearer {who.token}",
            "Sec-WebSocket-Protocol": SUBPROTOCOL,
        }
        feed = await Feed.open(door.sockets, "/v1/stream", first, headers=headers)
        feed.send(msgspec.json.encode({"op": "subscribe", "id": "all", "topics": ["all"]}))
        async with asyncio.timeout(STOP_S):
            await live.wait()
        feed.received = received
        return feed

    def endings(self, payload: bytes) -> list[str]:
        events = (item.event for item in _frame(payload).items)
        return [each.job_id for each in events if each.type == "job.succeeded" and each.job_id]

    async def publisher(self, who: Who) -> Publisher:
        assert self._nats, "only where the bench has the stack's passwords"
        return await ToJetStream.open(*self._nats, who.name)

    async def standing(self, who: Who) -> Standing:
        return Standing(*await self._pool.fetchrow(STANDING, who.name))

    async def chains(self, who: Who) -> list[Chain]:
        rows = await self._pool.fetch(CHAINS, who.name)
        return [_chain(row["given"], row["steps"]) for row in rows]

    async def ended_twice(self, who: Who) -> int:
        return await self._pool.fetchval(TWICE, who.name)


class Kept(msgspec.Struct):
    """A value as the jobs table keeps it."""

    value: int


class KeptStep(msgspec.Struct):
    kept: Kept


def _chain(given: str, steps: str) -> Chain:
    kept = msgspec.json.decode(steps, type=list[KeptStep])
    value = msgspec.json.decode(given, type=Kept).value
    return Chain(value, [step.kept.value for step in kept])


@asynccontextmanager
async def served(folder: Path) -> AsyncGenerator[Tidemill]:
    """A throw-away system whose worker the bench starts and stops."""
    env = {"TM_PROCESSOR_PATHS": str(PROCESSORS), "TM_LOG_LEVEL": "warning"}
    names = [name for name in services.installed() if name != "processor"]
    async with Stack(folder, services=names, slots=cpu_count(), env=env) as stack:
        worker = Worker(_processor(stack), folder / "logs")
        async with asyncpg.create_pool(stack.postgres_url(), min_size=1, max_size=2) as pool:

            def roots() -> dict[str, int]:
                return {each.name: each.pid for each in stack.running() if each.pid}

            try:
                bus = stack.nats_url, stack.credentials.nats["jobs"]
                store = load(Settings, stack.env("ingestion"))
                yield Tidemill(
                    stack.url, stack.urls, roots, pool, worker=worker, nats=bus, store=store
                )
            finally:
                await worker.stop()


@asynccontextmanager
async def installed(folder: Path) -> AsyncGenerator[Tidemill]:
    """A throw-away system exactly as `tidemill up` runs it, its supervisor included."""
    up = Worker(_up(folder), folder.with_name(f"{folder.name}-logs"))
    try:
        await up.start()
        addresses = attach.surroundings(folder).addresses
        database = addresses.admin_database_url

        def roots() -> dict[str, int]:
            parts = {each.name: each.pid for each in state.running(folder).components if each.pid}
            return parts | ({"tidemill up": up.pid} if up.pid else {})

        async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
            yield Tidemill(addresses.public_url, addresses.services, roots, pool)
    finally:
        await up.stop()


def _up(folder: Path) -> Component:
    async def ready() -> None:
        """All parts answer, the gateway last."""
        now = state.read(folder)
        parts = {each.name: each.state for each in now.components} if now else {}
        if now is None or "caddy" not in parts or set(parts.values()) != {"running"}:
            raise NotReady(f"not all runs yet: {parts}")
        await probes.answers(f"{now.supervisor.url}/readyz")

    return Component(
        name="tidemill-up",
        command=Options(data=str(folder), port=0, host="127.0.0.1").command(),
        environment=environment(),
        port=0,
        ready=ready,
        folder=folder,
        orphan_signal=signal.SIGTERM,
        stop_s=STOP_S,
    )


def _processor(stack: Stack) -> Component:
    url = stack.urls["processor"]

    async def ready() -> None:
        await probes.answers(f"{url}/readyz")

    return Component(
        name="tidemill-processor",
        command=[program("tidemill-processor")],
        environment=stack.env("processor"),
        port=address(url)[1],
        ready=ready,
        folder=stack.data,
    )
