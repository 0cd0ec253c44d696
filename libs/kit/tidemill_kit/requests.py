"""One id, one measurement and, where it went wrong, one log line for each request."""

import time
from functools import cache
from typing import Any

import structlog
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from tidemill_contracts.ids import uuid7
from tidemill_kit.metrics import REQUESTS, SECONDS

log = structlog.get_logger()
_SERVER_ERROR = 500
READINESS = "/readyz"
_MAX_ID_CHARS = 64


class RequestLog(ASGIMiddleware):
    """Answers with `X-Request-Id`: the gateway's if it sent one, else a new one."""

    async def handle(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        next_app: ASGIApp,
    ) -> None:
        if scope["type"] != "http":
            await next_app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        began = time.perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"x-request-id", request_id.encode())]
                message["headers"] = headers
                route = str(scope.get("path_template") or "unmatched")
                measure(scope["method"], route, message["status"], time.perf_counter() - began)
                if message["status"] >= _SERVER_ERROR and route != READINESS:
                    status = message["status"]
                    log.warning("request.failed", route=route, status=status, request_id=request_id)
            await send(message)

        await next_app(scope, receive, answer)


def measure(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered, and how long that took."""
    requests, times = _counted(method, route, status)
    requests.inc()
    times.observe(seconds)


@cache
def _counted(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), SECONDS.labels(route)


def request_id_of(scope: Scope) -> str:
    """The id that a request brings, or a new one."""
    return given_id(scope["headers"]) or uuid7().hex


def given_id(headers: Any) -> str | None:
    """The id that a request brings, if it is one that may be shown and logged."""
    for name, value in headers:
        if name == b"x-request-id" and len(value) <= _MAX_ID_CHARS:
            text = value.decode("latin-1")
            return text if text.isalnum() or text.replace("-", "").isalnum() else None
    return None
