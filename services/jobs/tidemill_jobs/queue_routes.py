"""HTTP: queues with their pauses, and workers."""

from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from tidemill_contracts.pages import Page
from tidemill_contracts.queues import PauseQueue, Queue
from tidemill_contracts.work import WorkerInfo
from tidemill_jobs import queues as queuing
from tidemill_jobs.queues import QueueRepository
from tidemill_kit.app import READ, WRITE, Caller
from tidemill_kit.errors import BadRequest


class QueueController(Controller):
    """What waits where, and what must not start."""

    path = "/v1/queues"
    tags = ("Queues",)

    @get(opt=READ, operation_id="listQueues")
    async def listed(
        self,
        request: Request[Any, Any, Any],
        queues: NamedDependency[QueueRepository],
    ) -> Page[Queue]:
        """The queues, with how much of your work waits and runs in each."""
        return Page(await queuing.listed(request.app.state.fleet, queues))

    @post("/{name:str}/pause", opt=WRITE, status_code=200, operation_id="pauseQueue")
    async def pause(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        principal: Caller,
    ) -> Queue:
        """Start nothing of your tenant's in this queue any more; what runs goes on.

        The system's administrator may send `{"everyone": true}`.
        """
        order = _order(await request.body())
        return await queuing.switch(request.app, principal, name, order, paused=True)

    @post("/{name:str}/resume", opt=WRITE, status_code=200, operation_id="resumeQueue")
    async def resume(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        principal: Caller,
    ) -> Queue:
        """Let what waits in this queue start again, in the order in which it came."""
        state, order = request.app.state, _order(await request.body())
        queue = await queuing.switch(request.app, principal, name, order, paused=False)
        state.sweeper.resumed(name)
        return queue


@get("/v1/workers", opt=READ, tags=["Workers"], operation_id="listWorkers")
async def listed_workers(request: Request[Any, Any, Any]) -> Page[WorkerInfo]:
    """The workers, live or not, with how many of their slots are busy."""
    state = request.app.state
    return Page(await queuing.workers(state.database, state.settings.alive_s))


def _order(body: bytes) -> PauseQueue:
    """The order in a body that may be left out."""
    try:
        return msgspec.json.decode(body, type=PauseQueue) if body else PauseQueue()
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from error
