"""Every refusal as RFC 9457 problem details."""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from msgspec import UNSET

from tidemill_contracts.ids import uuid7
from tidemill_contracts.problems import FieldError, Problem
from tidemill_kit.errors import (
    BadRequest,
    NotFound,
    TidemillError,
    TooLarge,
    UnsupportedMedia,
)
from tidemill_kit.requests import given_id

log = structlog.get_logger()


class MethodNotAllowed(TidemillError):
    """This path does not take that method."""

    status = 405


class InternalError(TidemillError):
    """Something went wrong here; it has been logged."""


_BY_STATUS: dict[int, type[TidemillError]] = {
    400: BadRequest,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMedia,
}


def handlers() -> dict[Any, Any]:
    return {
        TidemillError: _refuse,
        HTTPException: _translate,
        UnicodeDecodeError: _no_text,
        RecursionError: _too_deep,
        ExceptionGroup: _after_cleanup,
        Exception: _last_resort,
    }


def problem_of(error: TidemillError, request_id: str) -> dict[str, Any]:
    """What this error tells, with the members of its own."""
    problem = Problem(
        type=f"/docs/problems#{error.code()}",
        title=error.title(),
        status=error.status,
        code=error.code(),
        detail=error.detail or UNSET,
        request_id=request_id,
        errors=error.errors or UNSET,
    )
    known = {name: getattr(problem, name) for name in problem.__struct_fields__}
    return error.members | {name: value for name, value in known.items() if value is not UNSET}


def response(error: TidemillError, request_id: str) -> Response[dict[str, Any]]:
    """The answer that this error makes."""
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    if error.status == _UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        problem_of(error, request_id),
        status_code=error.status,
        media_type="application/problem+json",
        headers=headers,
    )


def field_of(error: msgspec.ValidationError) -> FieldError:
    """What msgspec says of a value, with the path that it gives as the field."""
    message, _, path = str(error).partition(" - at `$.")
    return FieldError(path.rstrip("`"), message)


async def outcome(ask: Callable[[], Any]) -> str:
    """`ok`, or why a readiness check failed."""
    try:
        await ask()
    except Exception as error:  # noqa: BLE001 - a check may fail in any way
        return error.code() if isinstance(error, TidemillError) else type(error).__name__
    return "ok"


_UNAUTHORIZED = 401


def _refuse(request: Request[Any, Any, Any], error: TidemillError) -> Response[Any]:
    found: Any = request.scope.get("request_id")
    if found is not None:
        return response(error, found)
    # a path or method without a route never reaches the middleware that knows the id
    request_id = given_id(request.scope["headers"]) or uuid7().hex
    answer = response(error, request_id)
    answer.set_header("X-Request-Id", request_id)
    return answer


def _no_text(request: Request[Any, Any, Any], error: UnicodeDecodeError) -> Response[Any]:
    return _refuse(request, BadRequest(f"the body is no UTF-8: {error.reason}"))


def _too_deep(request: Request[Any, Any, Any], error: RecursionError) -> Response[Any]:
    del error
    return _refuse(request, BadRequest("the body is nested too deeply"))


def _translate(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if isinstance(error, ValidationException):
        return _refuse(request, BadRequest(errors=_fields(error)))
    if isinstance(error, (ClientException, NotFoundException, MethodNotAllowedException)):
        kind = _BY_STATUS.get(error.status_code, BadRequest)
        detail = error.detail if kind is BadRequest else None
        return _refuse(request, kind(detail))
    return _last_resort(request, error)


def _after_cleanup(request: Request[Any, Any, Any], error: ExceptionGroup) -> Response[Any]:
    """Litestar groups what dependencies make of a handler's error, such as DatabaseAway."""
    known = [each for each in error.exceptions if isinstance(each, TidemillError)]
    return _refuse(request, known[0]) if known else _last_resort(request, error)


def _last_resort(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("request.crashed", path=request.url.path, exc_info=error)
    return _refuse(request, InternalError())


def _fields(error: ValidationException) -> list[FieldError]:
    extra: Any = error.extra or []
    found: list[FieldError] = []
    for item in extra if isinstance(extra, list) else []:
        key, message = str(item.get("key", "")), str(item.get("message", ""))
        # `format_` is what Python calls the parameter `format`
        key = key.removeprefix("data.").removeprefix("$.").removesuffix("_")
        found.append(FieldError(key, message))
    return found or [FieldError("", error.detail)]
