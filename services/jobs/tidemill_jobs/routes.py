"""HTTP: jobs with their events and results."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Response
from msgspec import Raw

from tidemill_contracts.jobs import (
    Attempt,
    CancelJob,
    Job,
    JobStatus,
    RetryJob,
    SubmitBatch,
    SubmitJob,
)
from tidemill_contracts.log import MAX_CURSOR_CHARS
from tidemill_contracts.pages import Page
from tidemill_jobs import batches, past, results, retrying, usecases
from tidemill_jobs.book import Accepted
from tidemill_jobs.progress import with_progress
from tidemill_jobs.records import JSON
from tidemill_jobs.refusals import JobNotFound
from tidemill_jobs.repository import JobRepository
from tidemill_jobs.results import Wanted
from tidemill_jobs.shown import public
from tidemill_kit.app import READ, WRITE, Caller
from tidemill_kit.auth import caller
from tidemill_kit.errors import BadRequest
from tidemill_kit.idempotency import REPLAYED
from tidemill_kit.lifespan import head
from tidemill_kit.paging import page_of
from tidemill_kit.problems import problem_of

Jobs = NamedDependency[JobRepository]
Key = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
MAX_SEQ = 2**31 - 1
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Format = Literal["csv", "json", "ndjson", "parquet"]


At = Annotated[
    str | None,
    QueryParameter(description="A cursor: the job as it was then.", max_length=MAX_CURSOR_CHARS),
]


class CursorInvalid(BadRequest):
    """The cursor is not one that this list gave out."""


def accepted(answer: Accepted) -> Response[Job]:
    """202 with the job as it was stored."""
    headers = {"Location": f"/v1/jobs/{answer.job_id}"}
    if answer.replayed:
        headers[REPLAYED] = "true"
    body: Any = answer.body
    return Response(body, status_code=202, media_type=JSON, headers=headers)


class JobController(Controller):
    """Jobs: submit, follow, cancel, fetch."""

    path = "/v1/jobs"
    tags = ("Jobs",)

    @post(opt=WRITE, status_code=202, operation_id="submitJob")
    async def submit(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[SubmitJob],
        idempotency_key: Key = None,
    ) -> Response[Job]:
        """Accept a job: once this answers 202, the job will run to exactly one ending."""
        principal = caller(request)
        answer = await usecases.submit_job(
            request.app,
            principal,
            data,
            key=idempotency_key,
            size=len(await request.body()),
        )
        return accepted(answer)

    @post(
        "/batch",
        opt=WRITE,
        status_code=202,
        operation_id="submitBatch",
        request_max_body_size=batches.MAX_BODY_BYTES,
    )
    async def submit_batch(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[SubmitBatch],
        idempotency_key: Key = None,
    ) -> Response[Page[Any]]:
        """Accept many jobs: `items` holds, in their order, each job or the problem it met."""
        answers = await batches.submit_batch(
            request.app,
            caller(request),
            data,
            key=idempotency_key,
            size=len(await request.body()),
        )
        request_id: Any = request.scope.get("request_id")
        items = [
            Raw(answer.body) if isinstance(answer, Accepted) else problem_of(answer, request_id)
            for answer in answers
        ]
        replayed = all(isinstance(answer, Accepted) and answer.replayed for answer in answers)
        headers = {REPLAYED: "true"} if replayed else {}
        return Response(Page(items), headers=headers)

    @get("/{job_id:uuid}", opt=READ, operation_id="showJob")
    async def show(
        self,
        request: Request[Any, Any, Any],
        job_id: FromPath[UUID],
        jobs: Jobs,
        at: At = None,
    ) -> Job:
        """A job; follow it from its `cursor` on and nothing is missed.

        With `at` the job as it was at this place of the log: made of its events up to there.
        """
        if at is not None:
            return await past.job_at(request.app, jobs, job_id, at)
        cursor = str(head(request.app))
        job = await jobs.get(job_id)
        if job is None:
            raise JobNotFound
        shown = msgspec.structs.replace(public(job), cursor=cursor)
        return await with_progress(request.app, shown)

    @get("/{job_id:uuid}/events", opt=READ, operation_id="jobEvents")
    async def events(
        self,
        request: Request[Any, Any, Any],
        job_id: FromPath[UUID],
        jobs: Jobs,
        limit: Limit = 50,
        cursor: Annotated[int, QueryParameter(ge=0, le=MAX_SEQ)] = 0,
    ) -> Response[Page[Raw]]:
        """The job's events, oldest first; complete as soon as a status is visible."""
        if await jobs.get(job_id) is None:
            raise JobNotFound
        found = await jobs.history(job_id, after=cursor, limit=limit + 1)
        return page_of(request, found, limit, lambda _: cursor + limit)

    @get("/{job_id:uuid}/attempts", opt=READ, operation_id="jobAttempts")
    async def attempts(self, job_id: FromPath[UUID], jobs: Jobs) -> Page[Attempt]:
        """Every attempt with its worker, its times and its error."""
        if await jobs.get(job_id) is None:
            raise JobNotFound
        return Page(await jobs.attempts(job_id))

    @post("/{job_id:uuid}/cancel", opt=WRITE, status_code=202, operation_id="cancelJob")
    async def cancel(
        self,
        request: Request[Any, Any, Any],
        job_id: FromPath[UUID],
        principal: Caller,
    ) -> Response[Job]:
        """Stop a job; a running one has `grace_s` seconds to end by itself."""
        order = _order(await request.body(), CancelJob)
        cursor = str(head(request.app))
        job, changed = await usecases.cancel_job(
            request.app, principal.tenant_id, job_id, order, by=principal.user_id
        )
        stopping = changed and job.status is JobStatus.CANCELLING
        shown = msgspec.structs.replace(job, cursor=cursor)
        return Response(shown, status_code=202 if stopping else 200)

    @post("/{job_id:uuid}/retry", opt=WRITE, status_code=202, operation_id="retryJob")
    async def retry(
        self,
        request: Request[Any, Any, Any],
        job_id: FromPath[UUID],
        principal: Caller,
        jobs: Jobs,
        idempotency_key: Key = None,
    ) -> Response[Job]:
        """Run a job that ended again, as a new job; from a step on, or all of it."""
        order = _order(await request.body(), RetryJob)
        answer = await retrying.retry_job(
            request.app,
            principal,
            jobs,
            job_id,
            order,
            key=idempotency_key,
        )
        return accepted(answer)

    @get("/{job_id:uuid}/result", opt=READ, operation_id="jobResult")
    async def result(
        self,
        request: Request[Any, Any, Any],
        job_id: FromPath[UUID],
        jobs: Jobs,
        format_: Annotated[Format | None, QueryParameter(name="format")] = None,
        safe: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
        redirect: FromQuery[bool] = True,  # noqa: FBT002 - a query parameter
    ) -> Response[Any]:
        """The bare value, or a link to the frame's file in the format asked for.

        With `safe` no cell of a CSV file is a formula to a spreadsheet.
        """
        wanted = Wanted(job_id=job_id, file_format=format_, safe=safe, redirect=redirect)
        return await results.fetch(request.app, jobs, wanted)

    @get("/{job_id:uuid}/steps/{step:str}/result", opt=READ, operation_id="stepResult")
    async def step_result(
        self,
        request: Request[Any, Any, Any],
        job_id: FromPath[UUID],
        step: FromPath[str],
        jobs: Jobs,
        format_: Annotated[Format | None, QueryParameter(name="format")] = None,
        safe: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
        redirect: FromQuery[bool] = True,  # noqa: FBT002 - a query parameter
    ) -> Response[Any]:
        """What one step gave, also while the job goes on."""
        wanted = Wanted(job_id=job_id, step=step, file_format=format_, safe=safe, redirect=redirect)
        return await results.fetch(request.app, jobs, wanted)


def _order[T](body: bytes, kind: type[T]) -> T:
    """The order in a body that may be left out."""
    try:
        return msgspec.json.decode(body, type=kind) if body else kind()
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from error
