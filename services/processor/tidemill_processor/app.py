"""The processor service: a worker in the background, health and metrics over HTTP."""

import asyncio
from asyncio import Task
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog
from litestar import Litestar
from nats.aio.client import Client

from tidemill_contracts.ids import uuid7
from tidemill_contracts.work import ReportOutcome
from tidemill_kit import app, bus, logs, serve
from tidemill_kit.errors import Unavailable
from tidemill_kit.settings import load
from tidemill_kit.storage import Storage
from tidemill_processor.attempt import Tools
from tidemill_processor.confine import hide
from tidemill_processor.loop import Loop
from tidemill_processor.order import Identity
from tidemill_processor.scratch import Scratch
from tidemill_processor.settings import MEGABYTE, Settings
from tidemill_processor.slots import Slots
from tidemill_processor.transfer import Buckets, Transfer
from tidemill_processor.trips import Trips

log = structlog.get_logger()


class NoWarmChild(Unavailable):
    """No child process is ready."""


class NotAtWork(Unavailable):
    """The worker is not connected, or the jobs service does not answer it."""


class Worker:
    """The parts of a worker and the order in which they start and stop."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings = settings
        self._scratch = Scratch(settings.scratch, settings.scratch_mb * MEGABYTE)
        buckets = Buckets(settings.s3_datasets_bucket, settings.s3_results_bucket)
        self._transfer = Transfer(storage, self._scratch.inputs, buckets)
        self._slots = Slots(settings)
        self._client: Client | None = None
        self._loop: Loop | None = None
        self._task: Task[None] | None = None

    def start(self) -> None:
        """Start the children, and connect however long it takes."""
        self._slots.open()
        self._task = asyncio.create_task(self._work())
        self._task.add_done_callback(_ended)

    async def stop(self) -> None:
        """Drain, then end the children."""
        if self._loop is not None:
            await self._loop.drain()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._slots.close()
        if self._client is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._client.close(), 2)
        self._scratch.close()

    async def check_children(self) -> None:
        if not self._slots.ready.is_set():
            raise NoWarmChild

    async def check_work(self) -> None:
        if self._loop is None or self._loop.away:
            raise NotAtWork

    async def _work(self) -> None:
        client = await bus.connect(self._settings, "processor", reconnected=self._reconnected)
        self._client = client
        tools = Tools(
            settings=self._settings,
            client=client,
            slots=self._slots,
            scratch=self._scratch,
            transfer=self._transfer,
            reports=Trips(client, "tm.rpc.jobs.report", ReportOutcome),
            lines=Trips(client, "tm.rpc.jobs.lines", bool),
        )
        self._loop = Loop(tools, Identity(self._settings.worker, uuid7()))
        await self._loop.run()

    async def _reconnected(self) -> None:
        if self._loop is not None:
            self._loop.reconnected()


def _ended(task: Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("loop.failed", exc_info=error)
        bus.exit_process("the work loop failed")


def create_app(settings: Settings | None = None) -> Litestar:
    chosen = settings or load(Settings)

    @asynccontextmanager
    async def lifespan(application: Litestar) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            storage = await stack.enter_async_context(Storage.open(chosen))
            worker = Worker(chosen, storage)
            worker.start()
            stack.push_async_callback(worker.stop)
            application.state.checks["children"] = worker.check_children
            application.state.checks["work"] = worker.check_work
            yield

    return app.create_app(chosen, name="processor", lifespan=[lifespan])


def main() -> None:
    """Run the service: the command `tidemill-processor`."""
    settings = load(Settings)
    logs.configure("processor", settings.log_level)
    hide()
    serve.run(create_app(settings), settings)
