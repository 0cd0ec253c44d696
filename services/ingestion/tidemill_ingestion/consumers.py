"""What ingestion reacts to: endings of ingest jobs and of tenants; and what others ask of it."""

from functools import partial

from litestar import Litestar
from nats.aio.client import Client
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.datasets import KnownDataset
from tidemill_contracts.identity import TenantDeleted
from tidemill_contracts.job_events import JobCancelled, JobExpired, JobFailed, JobSucceeded
from tidemill_contracts.log import AskDataset
from tidemill_ingestion import registration, tenants, usecases
from tidemill_ingestion.conclusions import Unsuccessful
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.usecases import ReadArtifact
from tidemill_kit import bus
from tidemill_kit.reactions import Consumers

ASKED = "tm.rpc.ingestion.dataset"


def reactions(read_artifact: ReadArtifact, trash_s: float) -> Consumers:
    """The service's consumers; `read_artifact` fetches an object of the results bucket."""
    consumers = Consumers("ingestion")

    @consumers.on(JobSucceeded, system=True)
    async def _accept(event: JobSucceeded, connection: AsyncConnection) -> None:
        datasets = DatasetRepository(connection, event.tenant_id)
        await usecases.accept(datasets, event, read_artifact)

    async def conclude(event: Unsuccessful, connection: AsyncConnection) -> None:
        await usecases.conclude(DatasetRepository(connection, event.tenant_id), event)

    for ending in (JobFailed, JobCancelled, JobExpired):
        consumers.on(ending, system=True)(conclude)
    consumers.on(TenantDeleted)(partial(tenants.leave, grace_s=trash_s))
    return consumers


async def answer_jobs(app: Litestar, client: Client) -> None:
    """Tell the jobs service of datasets that it has not heard of."""

    async def known(question: AskDataset) -> KnownDataset:
        return await usecases.answer_for(app.state.database, question)

    await bus.answer(client, ASKED, AskDataset, known)
    await registration.serve(app, client)
