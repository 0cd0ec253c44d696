"""Datasets out of what jobs gave, and what the jobs service asks about datasets."""

from uuid import UUID

import msgspec
from litestar import Litestar
from nats.aio.client import Client

from tidemill_contracts.datasets import Dataset
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.lineage import AskNames, RegisterDataset, Registered
from tidemill_ingestion import lifecycle, names
from tidemill_ingestion.incoming import check_labels
from tidemill_ingestion.limits import Limits
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.settings import Settings
from tidemill_ingestion.usecases import NameInvalid
from tidemill_kit import bus
from tidemill_kit.db import Database
from tidemill_kit.errors import TidemillError
from tidemill_kit.idempotency import REPLAYED, Once
from tidemill_kit.problems import problem_of

REGISTER = "tm.rpc.ingestion.register"
NAMES = "tm.rpc.ingestion.names"


async def serve(app: Litestar, client: Client) -> None:
    """Answer the jobs service."""
    database: Database = app.state.database

    async def registered(asked: RegisterDataset) -> Registered:
        try:
            return await register(database, app.state.settings, asked)
        except TidemillError as error:
            return Registered(status=error.status, body=problem_of(error, str(uuid7())))

    async def named(asked: AskNames) -> dict[UUID, str]:
        async with database.on_behalf_of(asked.tenant_id) as connection:
            datasets = DatasetRepository(connection, asked.tenant_id)
            return await datasets.names(asked.dataset_ids)

    await bus.answer(client, REGISTER, RegisterDataset, registered)
    await bus.answer(client, NAMES, AskNames, named)


async def register(database: Database, settings: Settings, asked: RegisterDataset) -> Registered:
    """A dataset of a stored frame, once for each key; what it tells of makes it ready."""
    name, labels = names.clean(asked.order.name), check_labels(asked.order.labels)
    if not name:
        raise NameInvalid
    limits = Limits.of(settings)
    async with database.on_behalf_of(asked.tenant_id) as connection:
        datasets = DatasetRepository(connection, asked.tenant_id)

        async def make() -> Dataset:
            limits.left(await datasets.holdings()).check(asked.size_bytes)
            stored, event = lifecycle.register(asked, name, labels, now())
            await datasets.add(stored)
            await datasets.record(event)
            limits.check(await datasets.holdings())
            return stored.shown()

        route = f"/v1/jobs/{asked.origin.job_id}/result/dataset"
        once = Once(connection, asked.tenant_id, route, asked.key)
        answer = await once.answer(asked.order, make)
    body = msgspec.json.decode(answer.content)
    replayed = REPLAYED in answer.headers
    return Registered(status=answer.status_code or 201, body=body, replayed=replayed)
