"""HTTP: the list of jobs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from litestar.response import Response
from msgspec.structs import replace

from tidemill_contracts.bulk import BulkDone, BulkJobs, JobFilter
from tidemill_contracts.jobs import Job, JobStatus
from tidemill_contracts.pages import Page
from tidemill_jobs import bulk, listing
from tidemill_jobs.routes import CursorInvalid, Jobs, Key, Limit
from tidemill_jobs.shown import public
from tidemill_kit.app import READ, WRITE
from tidemill_kit.auth import caller
from tidemill_kit.errors import BadRequest
from tidemill_kit.lifespan import head
from tidemill_kit.paging import next_page


class LabelInvalid(BadRequest):
    """A label filter has the form `key:value`."""


Statuses = Annotated[list[JobStatus] | None, QueryParameter(name="status")]
LabelPairs = Annotated[list[str] | None, QueryParameter(name="label")]


@get("/v1/jobs", opt=READ, tags=["Jobs"], operation_id="listJobs")
async def newest(
    request: Request[Any, Any, Any],
    jobs: Jobs,
    *,
    limit: Limit = 50,
    cursor: FromQuery[str | None] = None,
    status: Statuses = None,
    label: LabelPairs = None,
    processor: FromQuery[str | None] = None,
    queue: FromQuery[str | None] = None,
    pipeline: FromQuery[str | None] = None,
    retry_of: FromQuery[UUID | None] = None,
    created_after: FromQuery[datetime | None] = None,
    created_before: FromQuery[datetime | None] = None,
    system: FromQuery[bool] = False,
) -> Response[Page[Job]]:
    """The tenant's jobs, newest first; `status` and `label` may be given more than once.

    At most 10,000 jobs are looked at for a page: it may hold fewer than `limit` while
    `next_cursor` still leads on.
    """
    wanted = filter_of(
        {
            "status": status or [],
            "labels": dict(_pair(each) for each in label or []),
            "processor": processor,
            "queue": queue,
            "pipeline": pipeline,
            "retry_of": retry_of,
            "created_after": created_after,
            "created_before": created_before,
            "system": system,
        },
    )
    known = str(head(request.app))
    found = await listing.newest(jobs, wanted, before=_before(cursor), limit=limit)
    more = found.before.hex if found.before else None
    items = [replace(public(job), cursor=known) for job in found.jobs]
    return Response(Page(items, more), headers=next_page(request, more))


@post("/v1/jobs/bulk", opt=WRITE, status_code=200, tags=["Jobs"], operation_id="bulkJobs")
async def in_bulk(
    request: Request[Any, Any, Any],
    data: JSONBody[BulkJobs],
    idempotency_key: Key = None,
) -> BulkDone:
    """Cancel, retry or delete all jobs that fit, newest first; `dry_run` only counts them.

    One request treats at most 1,000 jobs; send it again with its `next_cursor` for the others.
    Without statuses in the filter `retry` takes jobs that failed or expired.
    """
    done, following = await bulk.run(
        request.app,
        caller(request),
        data,
        before=_before(data.cursor),
        key=idempotency_key,
    )
    return replace(done, next_cursor=following.hex if following else None)


def filter_of(asked: dict[str, Any]) -> JobFilter:
    try:
        return msgspec.convert(asked, JobFilter)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from error


def _pair(text: str) -> tuple[str, str]:
    key, colon, value = text.partition(":")
    if not colon or "\0" in key:
        raise LabelInvalid
    return key, value


def _before(cursor: str | None) -> UUID | None:
    try:
        return None if cursor is None else UUID(hex=cursor)
    except ValueError as error:
        raise CursorInvalid from error
