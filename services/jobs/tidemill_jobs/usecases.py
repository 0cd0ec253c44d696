"""What callers do with jobs: submit, cancel, fetch results."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text

from tidemill_contracts.datasets import DatasetStatus, KnownDataset
from tidemill_contracts.identity import Principal
from tidemill_contracts.ids import moment_of, uuid7
from tidemill_contracts.jobs import CancelJob, Job, JobStatus, SubmitJob
from tidemill_contracts.log import AskDataset
from tidemill_contracts.problems import FieldError
from tidemill_contracts.work import CancelTask, Payload
from tidemill_jobs import plan
from tidemill_jobs.book import Accepted, IdempotencyKey
from tidemill_jobs.commands import CancelOne, Submit
from tidemill_jobs.records import JobRecord
from tidemill_jobs.refusals import DatasetNotFound, DatasetUnknownYet
from tidemill_kit.bus import BusAway, RequestRefused, call
from tidemill_kit.db import Database
from tidemill_kit.errors import Invalid
from tidemill_kit.idempotency import check, fingerprint_of
from tidemill_kit.lifespan import head


class InputAmbiguous(Invalid):
    """Give a dataset or a value, not both."""


class Origin(Struct, frozen=True, kw_only=True):
    """Where a job comes from besides its order."""

    tenant_id: UUID
    created_by: UUID | None = None
    pipeline: str | None = None
    retry_of: UUID | None = None


async def submit_job(
    app: Litestar,
    principal: Principal,
    order: SubmitJob,
    *,
    key: str | None = None,
    route: str = "jobs",
    pipeline: str | None = None,
    size: int = 0,
) -> Accepted:
    """Accept a job: once this answers, it will run. A key makes a repetition harmless."""
    origin = Origin(
        tenant_id=principal.tenant_id,
        created_by=principal.user_id,
        pipeline=pipeline,
    )
    kept = key_of(principal.tenant_id, route, key, order)
    made = await planned(app, order)
    asked = asked_for(order, made, origin, key=kept, cursor=str(head(app)), size=size)
    return await accept(app, principal.tenant_id, Submit, asked)


async def accept(
    app: Litestar,
    tenant_id: UUID,
    kind: type[Submit],
    asked: dict[str, Any],
) -> Accepted:
    """Have the ledger make a job, learning of its dataset if need be."""
    with suppress(DatasetUnknownYet):
        return await app.state.ledger.ask(kind, **asked)
    await learn_dataset(app, tenant_id, asked["dataset_id"])
    return await app.state.ledger.ask(kind, **asked)


async def planned(app: Litestar, order: SubmitJob) -> plan.Plan:
    """The order's steps, checked against the processors that are known."""
    specs = plan.steps_of(order)
    if order.dataset_id is not None and order.value is not None:
        raise InputAmbiguous(errors=[FieldError("value", "there is a dataset_id already")])
    return app.state.planner.plan(
        specs,
        await app.state.fleet.known(),
        has_dataset=order.dataset_id is not None,
        has_value=order.value is not None,
        queue=order.queue,
        engines=app.state.fleet.engines,
    )


def asked_for(
    order: SubmitJob,
    made: plan.Plan,
    origin: Origin,
    *,
    key: IdempotencyKey | None,
    cursor: str,
    size: int,
    job_id: UUID | None = None,
) -> dict[str, Any]:
    """What the ledger is asked to submit; of two orders with one `job_id` the first counts."""
    job_id, limit = job_id or uuid7(), order.concurrency_key
    return {
        "build": draft(order, made, origin, job_id, size),
        "job_id": job_id,
        "dataset_id": order.dataset_id,
        "key": key,
        "concurrency_key": None if limit is None else (origin.tenant_id, limit),
        "cursor": cursor,
        "size": size,
    }


def draft(
    order: SubmitJob,
    made: plan.Plan,
    origin: Origin,
    job_id: UUID,
    size: int,
) -> Callable[[], JobRecord]:
    """A function that makes the job's record, always with the same ids.

    `size` is that of the order, in bytes.
    """
    created = moment_of(job_id)
    tasks = plan.tasks(made, job_id, origin.tenant_id, order.priority)

    def build() -> JobRecord:
        return JobRecord(
            id=job_id,
            tenant_id=origin.tenant_id,
            created_by=origin.created_by,
            status=JobStatus.QUEUED,
            dataset_id=order.dataset_id,
            pipeline=origin.pipeline,
            steps=[replace(step) for step in made.steps],
            processors=made.processors,
            given=Payload(value=order.value),
            queue=order.queue or made.tasks[0].queue,
            priority=order.priority,
            labels=order.labels,
            retry_of=origin.retry_of,
            max_attempts=order.max_attempts,
            concurrency_key=order.concurrency_key,
            timeouts=order.timeouts,
            run_at=order.run_at,
            created_at=created,
            updated_at=created,
            tasks=[replace(task) for task in tasks],
            size=size,
        )

    return build


async def cancel_job(
    app: Litestar,
    tenant_id: UUID,
    job_id: UUID,
    order: CancelJob,
    *,
    by: UUID | None = None,
) -> tuple[Job, bool]:
    """Stop a job, and whether that changed anything; a running one has `grace_s` seconds left."""
    job: Job
    told: list[CancelTask]
    job, told, changed = await app.state.ledger.ask(
        CancelOne,
        tenant_id=tenant_id,
        job_id=job_id,
        order=order,
        by=by,
    )
    await app.state.cancels.tell(told)
    return job, changed


def key_of(tenant_id: UUID, route: str, key: str | None, order: Any) -> IdempotencyKey | None:
    """The client's key with the fingerprint of what it sent."""
    if key is None:
        return None
    check(key)
    return IdempotencyKey(tenant_id, route, key, fingerprint_of(order))


async def learn_dataset(app: Litestar, tenant_id: UUID, dataset_id: UUID | None) -> None:
    """Ask ingestion for a dataset whose event has not come yet; never a false 404."""
    if dataset_id is None:
        raise DatasetUnknownYet
    asked = AskDataset(tenant_id=tenant_id, dataset_id=dataset_id)
    try:
        found = await call(app.state.client, "tm.rpc.ingestion.dataset", asked, KnownDataset)
    except (BusAway, RequestRefused) as error:
        raise DatasetUnknownYet from error
    if found.status is None or found.status is DatasetStatus.DELETED:
        raise DatasetNotFound
    database: Database = app.state.database
    values = {
        "id": dataset_id,
        "tenant": tenant_id,
        "status": found.status.value,
        "frame": None if found.frame is None else msgspec.json.encode(found.frame).decode(),
        "origin_job": found.origin.job_id if found.origin else None,
        "origin_step": found.origin.step if found.origin else None,
    }
    async with database.transaction() as connection:
        await connection.execute(_LEARN, values)


async def wait_for_end(app: Litestar, job_id: UUID, seconds: float) -> bool:
    """Whether a job ends within this time, as seen by this process."""
    ended: dict[UUID, asyncio.Event] = app.state.ended
    event = ended.setdefault(job_id, asyncio.Event())
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    ended.pop(job_id, None)
    return event.is_set()


_LEARN = text("""
insert into datasets (id, tenant_id, status, frame, origin_job, origin_step)
values (:id, :tenant, :status, cast(:frame as jsonb), :origin_job, :origin_step)
on conflict (id) do nothing
""")
