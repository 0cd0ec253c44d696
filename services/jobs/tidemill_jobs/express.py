"""The short way of `POST /v1/jobs`: half of such a request's time would go to the framework.

Only what is sure to be accepted goes this way. Everything else, from another path to a body that
does not fit, is handed to the Litestar application, whose route has the same use case behind it
and gives the answers that the API documents.
"""

import time
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.types import HTTPReceiveMessage, Message, Receive, Scope, Send

from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.jobs import SubmitJob
from tidemill_jobs import usecases
from tidemill_jobs.book import Accepted
from tidemill_kit.app import MAX_BODY_BYTES
from tidemill_kit.auth import Authenticator, bearer_in
from tidemill_kit.errors import TidemillError
from tidemill_kit.requests import measure, request_id_of

PATH = "/v1/jobs"
JSON = b"application/json"
_decode = msgspec.json.Decoder(SubmitJob).decode


class Express:
    """The service's ASGI application: Litestar's, with a short way past it."""

    def __init__(self, app: Litestar) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = self._caller(scope)
        if caller is None:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        body = await _read(receive)
        answer = None if body is None else await self._submit(caller, body)
        if answer is None:
            self._authenticator.hands_on(caller)
            await self._app(scope, _again(body, receive), send)
            return
        await _accept(scope, send, answer)
        measure("POST", PATH, 202, time.perf_counter() - began)

    def _caller(self, scope: Scope) -> Principal | None:
        """Who submits, if this is a plain submit of somebody who is known already."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return None
        headers = dict(scope["headers"])
        if headers.get(b"content-type") != JSON or b"idempotency-key" in headers:
            return None
        if not 0 < _length(headers) <= MAX_BODY_BYTES:
            return None
        token = bearer_in(scope["headers"])
        caller = self._authenticator.known(token) if token else None
        if caller is None or not caller.role.includes(Role.OPERATOR):
            return None
        # whoever sends too much is told so by the ordinary route
        return caller if self._authenticator.admits(caller) else None

    @property
    def _authenticator(self) -> Authenticator:
        return self._app.state.authenticator

    async def _submit(self, caller: Principal, body: bytes) -> Accepted | None:
        try:
            order = _decode(body)
            return await usecases.submit_job(self._app, caller, order, size=len(body))
        except (TidemillError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # a refusal changed nothing: the ordinary route comes to it again, and explains it
            return None


def _length(headers: Mapping[bytes, bytes]) -> int:
    text = headers.get(b"content-length", b"")
    return int(text) if text.isdigit() else 0


async def _read(receive: Receive) -> bytes | None:
    """The whole body, which is one message as a rule; None where the client went away."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


def _again(body: bytes | None, receive: Receive) -> Receive:
    """A body that was read already, for somebody who reads it anew."""
    told: list[Any] = [{"type": "http.disconnect"}]
    if body is not None:
        told = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> HTTPReceiveMessage:
        return told.pop() if told else cast("HTTPReceiveMessage", await receive())

    return read


async def _accept(scope: Scope, send: Send, answer: Accepted) -> None:
    headers = [
        (b"content-type", JSON),
        (b"content-length", str(len(answer.body)).encode()),
        (b"location", f"{PATH}/{answer.job_id}".encode()),
        (b"x-request-id", request_id_of(scope).encode()),
    ]
    start: Message = {"type": "http.response.start", "status": 202, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
