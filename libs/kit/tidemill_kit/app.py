"""create_app(): a Litestar service with health, problem details, roles and injection by name."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Controller, Litestar, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.response import Response

from tidemill_contracts.identity import Principal, Role
from tidemill_kit import metrics, problems
from tidemill_kit.auth import Authenticator, caller, require_role
from tidemill_kit.requests import RequestLog
from tidemill_kit.settings import Settings

VERSION = "0.1.0"
MAX_BODY_BYTES = 1024 * 1024
PUBLIC: dict[str, Any] = {"role": None}
READ: dict[str, Any] = {"role": Role.VIEWER}
WRITE: dict[str, Any] = {"role": Role.OPERATOR}
ADMIN: dict[str, Any] = {"role": Role.ADMIN}
Caller = NamedDependency[Principal]

type Check = Callable[[], Any]
type Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class RoleMissing(RuntimeError):
    """A route declares no role."""


def create_app(
    settings: Settings,
    *,
    name: str,
    controllers: Sequence[type[Controller]] = (),
    routes: Sequence[Any] = (),
    lifespan: Sequence[Lifespan] = (),
    dependencies: Mapping[str, Provide] | None = None,
) -> Litestar:
    """A service's application.

    `dependencies` are injected by their names, as `injection.repositories` makes them of tables;
    what a lifespan puts into `app.state.checks` (name → async callable) makes up `/readyz`.
    """
    app = Litestar(
        route_handlers=[livez, readyz, metrics.show, *controllers, *routes],
        lifespan=list(lifespan),
        dependencies={
            "principal": Provide(caller, sync_to_thread=False),
            **(dependencies or {}),
        },
        before_request=require_role,
        exception_handlers=problems.handlers(),
        middleware=[RequestLog()],
        # the service has set up its own
        logging_config=None,
        request_max_body_size=MAX_BODY_BYTES,
        state=State({"checks": {}, "settings": settings, "name": name}),
        openapi_config=openapi_config(name),
    )
    app.state.authenticator = Authenticator(settings)
    _check_roles(app)
    return app


def openapi_config(name: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title=f"Tidemill {name}",
        version=VERSION,
        use_handler_docstrings=True,
        operation_id_creator=operation_id,
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            opt=PUBLIC,
            include_in_schema=False,
        ),
    )


def operation_id(handler: HTTPRouteHandler, _method: Any, path: Sequence[Any]) -> str:
    """`jobs_cancel` for a controller's handler, the bare name for a function."""
    alone = isinstance(handler.owner, Litestar)
    return handler.handler_name if alone else f"{path[1]}_{handler.handler_name}".replace("-", "_")


@get("/livez", opt=PUBLIC, include_in_schema=False)
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", opt=PUBLIC, include_in_schema=False)
async def readyz(state: State) -> Response[dict[str, Any]]:
    """Whether requests can be served; the body names what was asked."""
    body: dict[str, Any] = {"service": state.name, "version": VERSION, "checks": {}}
    for check, ask in state.checks.items():
        body["checks"][check] = await problems.outcome(ask)
    for fact, ask in state.get("facts", {}).items():
        body[fact] = ask()
    ready = all(found == "ok" for found in body["checks"].values())
    body["status"] = "ready" if ready else "not_ready"
    return Response(body, status_code=_READY[ready])


_READY = {True: 200, False: 503}


def _check_roles(app: Litestar) -> None:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods != {"OPTIONS"}:
                declared = "role" in handler.opt
            else:
                # a WebSocket signs in by itself: no role is checked before it
                declared = handler.opt.get("role") is None
            if not declared:
                raise RoleMissing(f"{handler.handler_name} at {sorted(handler.paths)}")
