"""HTTP: the audit trail."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from litestar.response import Response

from tidemill_contracts.access import AuditEntry
from tidemill_contracts.pages import Page
from tidemill_identity.audit import AuditRepository, Sought
from tidemill_kit.app import ADMIN
from tidemill_kit.errors import TimeNeedsZone
from tidemill_kit.paging import page_of

Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
Word = Annotated[str | None, QueryParameter(max_length=100)]


@get("/v1/audit", opt=ADMIN, tags=["Members"])
async def trail(
    request: Request[Any, Any, Any],
    entries: NamedDependency[AuditRepository],
    *,
    actor_id: FromQuery[UUID | None] = None,
    action: Word = None,
    target: Word = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    cursor: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> Response[Page[AuditEntry]]:
    """Who did what, newest first; `target` is the id of what it was done to."""
    if any(each is not None and each.tzinfo is None for each in (since, until)):
        raise TimeNeedsZone
    if any("\0" in (each or "") for each in (action, target)):
        return Response(Page([]))
    sought = Sought(actor_id=actor_id, action=action, target=target, since=since, until=until)
    found = await entries.newest(sought, before=cursor, limit=limit + 1)
    return page_of(request, found, limit, lambda entry: entry.id)
