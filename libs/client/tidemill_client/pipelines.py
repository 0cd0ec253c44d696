"""What there is to run: processors and stored pipelines."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from tidemill_client.operations import Operations
from tidemill_contracts.jobs import Job, Pipeline, RunPipeline
from tidemill_contracts.pages import Page
from tidemill_contracts.processors import ProcessorInfo


class Pipelines(Operations):
    """The part of the client that knows what jobs are made of."""

    async def processors(self) -> list[ProcessorInfo]:
        return (await self.get("/v1/processors", Page[ProcessorInfo])).items

    async def pipelines(self) -> list[Pipeline]:
        return (await self.get("/v1/pipelines", Page[Pipeline])).items

    async def run_pipeline(
        self,
        name: str,
        order: RunPipeline | None = None,
        *,
        value: Any = None,
        dataset_id: UUID | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Run a stored pipeline on a value or a dataset."""
        order = order or RunPipeline(value=value, dataset_id=dataset_id)
        path = f"/v1/pipelines/{quote(name, safe='')}/jobs"
        return await self.post(path, Job, order, key=idempotency_key)
