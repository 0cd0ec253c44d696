"""What routes get by name out of the database: a connection for their caller, repositories on it.

Apart from `app`, so that a service without a database carries none of its libraries.
"""

from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request
from litestar.di import NamedDependency, Provide
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.identity import Principal
from tidemill_kit.db import NO_TENANT, Database, Repository
from tidemill_kit.idempotency import Once


def repositories(**kinds: type[Repository]) -> dict[str, Provide]:
    """Each by its name, all on the `connection` of the request under the caller's tenant."""
    return {
        "connection": Provide(_connection),
        "once": Provide(_once, sync_to_thread=False),
        **{name: _repository(kind) for name, kind in kinds.items()},
    }


async def _connection(request: Request[Any, Any, Any]) -> AsyncGenerator[AsyncConnection]:
    database: Database = request.app.state.database
    user: Principal | None = request.scope.get("user")
    if user is None:
        async with database.transaction() as connection:
            yield connection
    else:
        async with database.on_behalf_of(user.tenant_id) as connection:
            yield connection


def _once(
    request: Request[Any, Any, Any],
    connection: NamedDependency[AsyncConnection],
) -> Once:
    """Answers this request once for its `Idempotency-Key`, on the connection of its handler."""
    user: Principal = request.scope["user"]
    key = request.headers.get("idempotency-key")
    return Once(connection, user.tenant_id, request.url.path, key)


def _repository(kind: type[Repository]) -> Provide:
    def provide(
        request: Request[Any, Any, Any],
        connection: NamedDependency[AsyncConnection],
    ) -> Repository:
        user: Principal | None = request.scope.get("user")
        return kind(connection, user.tenant_id if user else NO_TENANT)

    return Provide(provide, sync_to_thread=False)
