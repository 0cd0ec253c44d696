"""What runs beside the requests: the finisher, the tidier and the collector."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import structlog
from litestar import Litestar

from tidemill_contracts.collection import AskVerdicts, Collected, Collection, Verdicts
from tidemill_contracts.usage import AskUsage, JobUsage
from tidemill_ingestion.collecting import Collector, JobsService
from tidemill_ingestion.finishing import Finisher
from tidemill_ingestion.reports import CollectionRunning
from tidemill_ingestion.settings import Settings
from tidemill_ingestion.tidying import Tidier
from tidemill_kit import bus
from tidemill_kit.app import Lifespan
from tidemill_kit.errors import failure_of
from tidemill_kit.lifespan import head

log = structlog.get_logger()
LOOK_S = 900.0
VERDICTS, COLLECTED, USAGE = (
    "tm.rpc.jobs.verdicts",
    "tm.rpc.jobs.collected",
    "tm.rpc.jobs.usage",
)


def machines(settings: Settings) -> Lifespan:
    """Puts `finisher` and `collector` into the state, and works until the service stops."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        state = app.state
        finisher = Finisher(state.database, state.storage, settings, lambda: head(app))
        tidier = Tidier(state.database, state.storage, settings, finisher)
        state.finisher, state.tidying = finisher, asyncio.Event()
        state.collector = Collector(state.database, state.storage, settings, _jobs(app))
        state.collecting = set()
        tasks = [
            asyncio.create_task(_often(tidier.tidy, settings.tidy_s, state.tidying)),
            asyncio.create_task(_collect(app, settings)),
        ]
        try:
            yield
        finally:
            tasks += state.collecting
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await finisher.stop()

    return lifespan


async def start_collection(app: Litestar, *, dry_run: bool) -> Collection:
    """Begin a collection beside the request."""
    collector: Collector = app.state.collector
    report = await collector.reports.begin(dry_run=dry_run)
    task = asyncio.create_task(collector.collect(report))
    app.state.collecting.add(task)
    task.add_done_callback(app.state.collecting.discard)
    return report


async def job_usage(app: Litestar, tenant_id: UUID) -> JobUsage | None:
    """What the jobs service says; None where it does not answer."""
    try:
        asked = AskUsage(tenant_id)
        return await bus.call(app.state.client, USAGE, asked, JobUsage, timeout_s=2)
    except (bus.BusAway, bus.RequestRefused):
        return None


def _jobs(app: Litestar) -> JobsService:
    async def verdicts(job_ids: list[UUID]) -> Verdicts:
        return await bus.call(app.state.client, VERDICTS, AskVerdicts(job_ids), Verdicts)

    async def collected(job_ids: list[UUID]) -> None:
        await bus.call(app.state.client, COLLECTED, Collected(job_ids), Collected)

    return JobsService(verdicts, collected)


async def _often(work: Callable[[], Awaitable[None]], every_s: float, now: asyncio.Event) -> None:
    """Again and again, and at once when somebody says so; a failure is only late."""
    while True:
        now.clear()
        if error := await failure_of(work()):
            log.warning("tidying.delayed", reason=str(error)[:200], exc_info=error)
        try:
            async with asyncio.timeout(every_s):
                await now.wait()
        except TimeoutError:
            continue


async def _collect(app: Litestar, settings: Settings) -> None:
    collector: Collector = app.state.collector

    async def once() -> None:
        try:
            report = await collector.reports.begin(dry_run=False, every_s=settings.collect_s)
        except CollectionRunning:
            return
        await collector.collect(report)

    while True:
        # not at once: the bus is still being connected, and nothing here is urgent
        await asyncio.sleep(min(LOOK_S, settings.collect_s))
        if error := await failure_of(once()):
            log.warning("collection.delayed", reason=str(error)[:200], exc_info=error)
