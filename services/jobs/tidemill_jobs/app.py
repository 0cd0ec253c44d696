"""The composition root of the jobs service."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Litestar
from nats.aio.client import Client

from tidemill_contracts.log import AskEpoch, Epoch
from tidemill_jobs import (
    backlog,
    dispatch,
    exports,
    firing,
    lineage,
    lines,
    retention,
    tenants,
    topology,
)
from tidemill_jobs.archive_routes import ArchiveController
from tidemill_jobs.archives import ArchiveRepository
from tidemill_jobs.catalogue_routes import PipelineController, processors
from tidemill_jobs.consumers import consumers
from tidemill_jobs.data_routes import job_lineage, save_result
from tidemill_jobs.express import Express
from tidemill_jobs.fleet import Fleet
from tidemill_jobs.forgetting import FORGOTTEN, Forgetter
from tidemill_jobs.ledger import Ledger
from tidemill_jobs.letter_routes import DeadLetterController, listed_failures
from tidemill_jobs.line_routes import LineController
from tidemill_jobs.lines import LineRepository
from tidemill_jobs.list_routes import in_bulk, newest
from tidemill_jobs.pipelines import RecentPipelines
from tidemill_jobs.plan import Planner
from tidemill_jobs.queue_routes import QueueController, listed_workers
from tidemill_jobs.queues import QueueRepository
from tidemill_jobs.removal_routes import remove
from tidemill_jobs.repository import JobRepository, PipelineRepository
from tidemill_jobs.routes import JobController
from tidemill_jobs.schedule_repository import ScheduleRepository
from tidemill_jobs.schedule_routes import ScheduleController
from tidemill_jobs.settings import JobsSettings
from tidemill_jobs.sweeper import Sweeper
from tidemill_jobs.workers import Cancels, Workers
from tidemill_kit import app, lifespan, logs, serve, storage
from tidemill_kit.bus import or_exit
from tidemill_kit.consumers import follow
from tidemill_kit.injection import repositories
from tidemill_kit.publisher import AskForEpoch
from tidemill_kit.settings import load
from tidemill_kit.streams import Entry

NAME = "jobs"


def create_app(settings: JobsSettings | None = None) -> Litestar:
    settings = settings or load(JobsSettings)
    return app.create_app(
        settings,
        name=NAME,
        controllers=[
            JobController,
            LineController,
            PipelineController,
            QueueController,
            DeadLetterController,
            ScheduleController,
            ArchiveController,
        ],
        routes=[
            *(in_bulk, newest, remove, save_result, job_lineage),
            *(processors, listed_workers, listed_failures),
        ],
        dependencies=repositories(
            archives=ArchiveRepository,
            jobs=JobRepository,
            kept=ScheduleRepository,
            lines=LineRepository,
            pipelines=PipelineRepository,
            queues=QueueRepository,
        ),
        lifespan=[
            lifespan.database(settings, NAME),
            storage.lifespan(settings),
            _machines,
            lifespan.events(
                settings,
                NAME,
                ask_epoch=_epoch,
                connected=_connected,
                reconnected=_reconnected,
                forgotten=FORGOTTEN,
            ),
        ],
    )


def main() -> None:
    settings = load(JobsSettings)
    logs.configure(NAME, settings.log_level)
    serve.run(Express(create_app(settings)), settings)


@asynccontextmanager
async def _machines(service: Litestar) -> AsyncGenerator[None]:
    """Ledger and sweeper, which need PostgreSQL alone; NATS joins them when it is there."""
    state, settings = service.state, service.state.settings
    state.orders, state.ended, state.tasks = asyncio.Queue[list[Entry]](), {}, []
    state.fleet = Fleet(state.database, alive_s=settings.alive_s)
    # files of other systems are read one at a time
    state.reading = asyncio.Semaphore()
    state.planner, state.recent, state.cancels = Planner(), RecentPipelines(), Cancels()

    def committed(orders: list[Entry], ended: list[UUID]) -> None:
        if orders:
            state.orders.put_nowait(orders)
        for job_id in ended:
            if waiting := state.ended.get(job_id):
                waiting.set()
        if state.publisher is not None:
            state.publisher.recorded.set()

    state.ledger = Ledger(
        settings.database_url,
        state.fleet,
        lease_s=settings.lease_s,
        order_s=settings.order_s,
        committed=committed,
    )
    state.sweeper = _sweeper(service)
    forgetter = Forgetter(state.database, settings)
    machines = (state.ledger.run(), state.sweeper.run(), forgetter.run(), backlog.watch(service))
    for work in machines:
        _start(service, work)
    try:
        yield
    finally:
        for task in reversed(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)


def _sweeper(service: Litestar) -> Sweeper:
    state, settings = service.state, service.state.settings
    return Sweeper(
        state.database,
        state.ledger,
        state.fleet,
        state.cancels.tell,
        fire=partial(firing.fire_due, service),
        sweep_s=settings.sweep_s,
        order_s=settings.order_s,
    )


async def _connected(service: Litestar, client: Client) -> None:
    """NATS is there: make the streams, answer the workers, send orders, follow datasets."""
    state = service.state
    state.workers = Workers(
        state.database,
        state.ledger,
        state.fleet,
        state.sweeper,
        state.cancels,
        ack_wait_s=state.settings.lease_s,
    )
    await topology.ensure(client)
    await state.workers.serve(client)
    await lines.serve(client, state.database)
    await retention.serve(service, client)
    await exports.serve(service, client)
    await lineage.serve(service, client)
    _start(service, _send_orders(service, client))
    _start(service, state.cancels.run(client))
    reactions = state.reactions = consumers(state.ledger, state.sweeper)
    _start(service, follow(reactions, state.database, state.settings, client))
    # apart: a dataset must not wait for the identity service
    gone = tenants.consumers(service)
    _start(service, follow(gone, state.database, state.settings, client))
    state.ledger.top_up()


async def _reconnected(service: Litestar, client: Client) -> None:
    await service.state.workers.reconnected(client)


async def _send_orders(service: Litestar, client: Client) -> None:
    while True:
        orders: list[Entry] = await service.state.orders.get()
        while not service.state.orders.empty():
            orders += service.state.orders.get_nowait()
        await dispatch.publish(client, orders)


def _epoch(service: Litestar) -> AskForEpoch:
    async def ask(asked: AskEpoch) -> Epoch:
        return await topology.epoch(service.state.client, service.state.database, asked)

    return ask


def _start(service: Litestar, work: Coroutine[Any, Any, None]) -> None:
    service.state.tasks.append(asyncio.create_task(or_exit(work)))
