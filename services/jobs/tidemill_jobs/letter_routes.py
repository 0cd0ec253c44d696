"""HTTP: failures by kind, and dead letters."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from tidemill_contracts.failures import DeadLetter, Failure, Redriven
from tidemill_contracts.pages import Page
from tidemill_jobs import letters
from tidemill_jobs.routes import Jobs, Limit
from tidemill_kit.app import READ, WRITE
from tidemill_kit.auth import caller
from tidemill_kit.errors import TimeNeedsZone
from tidemill_kit.paging import page_of

WINDOW = timedelta(days=7)


@get("/v1/failures", opt=READ, tags=["Failures"], operation_id="listFailures")
async def listed_failures(
    jobs: Jobs,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    limit: Limit = 50,
) -> Page[Failure]:
    """Failed jobs by what they have in common, the latest first; of the last 7 days or `since`."""
    now = datetime.now(UTC)
    span = (since or now - WINDOW, until or now + timedelta(minutes=1))
    if any(moment.tzinfo is None for moment in span):
        raise TimeNeedsZone
    return Page(await letters.failures(jobs, since=span[0], until=span[1], limit=limit))


class DeadLetterController(Controller):
    """Jobs that used up their attempts, and events that no consumer could apply."""

    path = "/v1/dead-letters"
    tags = ("Failures",)

    @get(opt=READ, operation_id="listDeadLetters")
    async def listed(
        self,
        request: Request[Any, Any, Any],
        kind: FromQuery[Literal["job", "message"] | None] = None,
        cursor: FromQuery[UUID | None] = None,
        limit: Limit = 50,
    ) -> Response[Page[DeadLetter]]:
        """What waits for somebody to look at it, newest first."""
        found = await letters.listed(
            request.app.state.database,
            caller(request),
            kind=kind,
            before=cursor,
            limit=limit + 1,
        )
        return page_of(request, found, limit, lambda letter: letter.id)

    @get("/{letter_id:uuid}", opt=READ, operation_id="showDeadLetter")
    async def show(
        self,
        request: Request[Any, Any, Any],
        letter_id: FromPath[UUID],
    ) -> DeadLetter:
        """A letter with its body."""
        return await letters.shown(request.app.state.database, caller(request), letter_id)

    @post("/{letter_id:uuid}/redrive", opt=WRITE, status_code=202, operation_id="redrive")
    async def redrive(
        self,
        request: Request[Any, Any, Any],
        letter_id: FromPath[UUID],
    ) -> Redriven:
        """Try again: a job becomes one new job, an event is handed to its consumer again."""
        return await letters.redrive(request.app, caller(request), letter_id)

    @delete("/{letter_id:uuid}", opt=WRITE, operation_id="discardDeadLetter")
    async def discard(self, request: Request[Any, Any, Any], letter_id: FromPath[UUID]) -> None:
        """Throw a letter away; its job stays as it is."""
        await letters.discard(request.app.state.database, caller(request), letter_id)
