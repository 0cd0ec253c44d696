"""What is held and what is collected, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tidemill_contracts.collection import Collection, RunCollection
from tidemill_contracts.identity import Principal
from tidemill_contracts.pages import Page
from tidemill_contracts.usage import Amount, Usage
from tidemill_ingestion.collecting import Collector
from tidemill_ingestion.keeping import job_usage, start_collection
from tidemill_ingestion.repository import DatasetRepository
from tidemill_ingestion.settings import Settings
from tidemill_kit.app import ADMIN, READ, Caller
from tidemill_kit.errors import Forbidden

ROUTE = "/v1/gc"


class AdministratorNeeded(Forbidden):
    """Only the system's administrator may do this."""


@get("/v1/usage", opt=READ, tags=["Usage"])
async def usage(
    request: Request[Any, Any, Any],
    principal: Caller,
    datasets: NamedDependency[DatasetRepository],
    settings: NamedDependency[Settings],
) -> Usage:
    """What the tenant has of what is limited."""
    held = await datasets.holdings()
    jobs = await job_usage(request.app, principal.tenant_id)
    return Usage(
        storage_bytes=Amount(held.storage_bytes, settings.max_tenant_bytes),
        datasets=Amount(held.datasets, settings.max_datasets),
        open_uploads=Amount(held.uploads, settings.max_open_uploads),
        open_jobs=Amount(jobs.open_jobs) if jobs else None,
    )


class CollectionController(Controller):
    path = ROUTE
    tags = ("Collection",)

    @post("/", opt=ADMIN, status_code=202)
    async def collect(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[RunCollection],
        principal: Caller,
    ) -> Response[Collection]:
        """Collect stored objects that nobody needs; `dry_run` only says what would go."""
        _check(principal)
        report = await start_collection(request.app, dry_run=data.dry_run)
        return Response(report, status_code=202, headers={"Location": f"{ROUTE}/{report.id}"})

    @get("/", opt=ADMIN)
    async def newest(
        self,
        principal: Caller,
        collector: NamedDependency[Collector],
        limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 50,
    ) -> Page[Collection]:
        """The newest reports first."""
        _check(principal)
        return Page(await collector.reports.newest(limit))

    @get("/{report_id:uuid}", opt=ADMIN)
    async def show(
        self,
        report_id: FromPath[UUID],
        principal: Caller,
        collector: NamedDependency[Collector],
    ) -> Collection:
        """One report; it is complete once `finished_at` is there."""
        _check(principal)
        return await collector.reports.get(report_id)


def _check(principal: Principal) -> None:
    if not principal.system_admin:
        raise AdministratorNeeded
