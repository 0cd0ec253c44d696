"""The event log over HTTP, and the WebSocket of the live stream."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, WebSocket, get, websocket
from litestar.datastructures import State
from litestar.params import FromQuery, HeaderParameter, QueryParameter
from litestar.response import Response, Stream
from msgspec import Raw

from tidemill_contracts.identity import Principal
from tidemill_contracts.pages import Page, StreamedEvent
from tidemill_contracts.stream import SUBPROTOCOL, CloseCode
from tidemill_kit.app import PUBLIC, READ, Caller
from tidemill_kit.auth import bearer
from tidemill_kit.paging import next_page
from tidemill_notifier.live import Live
from tidemill_notifier.replay import NOW, START, page_of, replay_of
from tidemill_notifier.selection import ALL, Selection
from tidemill_notifier.sockets import Socket
from tidemill_notifier.tails import Tail
from tidemill_notifier.wires import LitestarWire, origin_allowed

EVENT_STREAM = "text/event-stream"

Asking = Request[Any, Any, Any]
After = Annotated[
    str | None,
    QueryParameter(
        description="A cursor, `start`, `now`, or a moment such as `2026-11-22T08:00:00Z`.",
        max_length=40,
    ),
]
Types = Annotated[
    str | None,
    QueryParameter(description="Event types, separated by commas; `job.*` stands for all of them."),
]
Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
LastEventId = Annotated[
    str | None,
    HeaderParameter(name="Last-Event-ID", description="Where an event stream goes on."),
]


class EventController(Controller):
    path = "/v1/events"
    tags = ("Events",)

    @get("/", opt=READ)
    async def events(
        self,
        request: Asking,
        principal: Caller,
        after: After = None,
        types: Types = None,
        job_id: FromQuery[UUID | None] = None,
        dataset_id: FromQuery[UUID | None] = None,
        limit: Limit = 50,
        last_event_id: LastEventId = None,
    ) -> Response[Page[StreamedEvent]]:
        """The tenant's events, oldest first, from the oldest that is kept.

        With `Accept: text/event-stream` they keep coming: from `Last-Event-ID` or `after`, else
        from the start of a job or dataset, else from now.
        """
        live: Live = request.app.state.live
        topics = _topics(job_id, dataset_id)
        selection = Selection(principal, topics, types.split(",") if types else None)
        if EVENT_STREAM in request.headers.get("accept", ""):
            since = last_event_id or after or (NOW if ALL in topics else START)
            return await _tail(live, principal, selection, since)
        replay = await replay_of(live.hub, live.archive, selection, after or START)
        entries, more = await page_of(replay, limit)
        items = [StreamedEvent(str(entry.cursor), Raw(entry.body)) for entry in entries]
        following = items[-1].cursor if more else None
        return Response(Page(items, following), headers=next_page(request, following, name="after"))


@websocket("/v1/stream", opt=PUBLIC)
async def stream(socket: WebSocket[Any, Any, Any], state: State) -> None:
    """Subprotocol `tidemill.v1`: auth, then subscriptions that are replayed and go live."""
    live: Live = state.live
    offered = socket.scope["subprotocols"]
    await socket.accept(subprotocols=SUBPROTOCOL if SUBPROTOCOL in offered else None)
    wire = LitestarWire(socket)
    if not origin_allowed(socket.headers.get("origin"), live.settings):
        await wire.close(CloseCode.FORBIDDEN, "pages of this origin may not connect")
        return
    await Socket(wire, live).serve(bearer(socket))


async def _tail(live: Live, principal: Principal, selection: Selection, since: str) -> Any:
    live.sessions.check(principal)
    replay = await replay_of(live.hub, live.archive, selection, since)
    tail = Tail(live, principal, selection, replay)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(tail.lines(), media_type=EVENT_STREAM, headers=headers)


def _topics(job_id: UUID | None, dataset_id: UUID | None) -> list[str]:
    topics = [f"{name}.{key}" for name, key in (("job", job_id), ("dataset", dataset_id)) if key]
    return topics or [ALL]
