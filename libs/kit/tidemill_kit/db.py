"""PostgreSQL: connections under the right role, repositories, typed columns."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Self
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import BigInteger as BigInt
from sqlalchemy import Column as Col
from sqlalchemy import (
    DateTime,
    Dialect,
    Executable,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    insert,
    text,
)
from sqlalchemy import Integer as Int
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tidemill_contracts import catalogue
from tidemill_contracts.event import MAX_EVENT_BYTES, Event
from tidemill_kit.errors import TooLarge, Unavailable
from tidemill_kit.settings import Settings

Timestamp = DateTime(timezone=True)
NO_TENANT = UUID(int=0)


class DatabaseAway(Unavailable):
    """The database does not answer."""


class DatabaseBusy(Unavailable):
    """The database took too long."""


class EventTooLarge(TooLarge):
    """What happened does not fit into an event of 64 KiB."""


class Json[T](TypeDecorator[T]):
    """A JSONB column that holds msgspec's view of a type."""

    impl = JSONB
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind

    def process_result_value(self, value: Any | None, dialect: Dialect) -> T | None:
        del dialect
        return None if value is None else msgspec.convert(value, self.kind)


def events_table(metadata: MetaData) -> Table:
    """The service's own events: history and outbox in one; no position means not published."""
    return Table(
        "events",
        metadata,
        Col("id", Uuid, nullable=False),
        Col("key", Uuid, primary_key=True),
        Col("seq", Int, primary_key=True),
        Col("tenant_id", Uuid, nullable=False),
        Col("type", Text, nullable=False),
        Col("subject", Text, nullable=False),
        Col("at", Timestamp, nullable=False),
        Col("body", LargeBinary, nullable=False),
        Col("epoch", Int),
        Col("stream_seq", BigInt),
    )


class Database:
    """A service's connections; `recorded` is set after each commit, for the publisher."""

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self.engine = engine
        self.service = service
        self.recorded = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, service: str) -> AsyncGenerator[Self]:
        engine = create_async_engine(
            settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=6,
            max_overflow=4,
            pool_timeout=3,
            json_serializer=_json_text,
            json_deserializer=msgspec.json.decode,
            connect_args={
                "timeout": 3,
                "command_timeout": 10,
                "server_settings": {
                    "search_path": service,
                    "application_name": f"tidemill-{service}",
                    "statement_timeout": "5000",
                    "idle_in_transaction_session_timeout": "10000",
                },
            },
        )
        try:
            yield cls(engine, service)
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def transaction(self, *, silent: bool = False) -> AsyncGenerator[AsyncConnection]:
        """A transaction of the service itself, which sees every tenant.

        A `silent` one records nothing, so the publisher need not look.
        """
        async with _available(), self.engine.begin() as connection:
            yield connection
        if not silent:
            self.recorded.set()

    @asynccontextmanager
    async def on_behalf_of(self, tenant_id: UUID) -> AsyncGenerator[AsyncConnection]:
        """A transaction in which row-level security shows and takes this tenant's rows only."""
        async with _available(), self.engine.begin() as connection:
            await connection.execute(
                _ASSUME,
                {"role": f"tidemill_{self.service}_caller", "tenant": str(tenant_id)},
            )
            yield connection
        self.recorded.set()

    async def ping(self) -> None:
        async with self.transaction() as connection:
            await connection.execute(text("select 1"))


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_ASSUME = text("select set_config('role', :role, true), set_config('tm.tenant', :tenant, true)")


@asynccontextmanager
async def _available() -> AsyncGenerator[None]:
    try:
        yield
    except PoolExhausted as error:
        raise DatabaseAway("pool exhausted") from error
    except DBAPIError as error:
        if _is_away(error):
            raise DatabaseAway from error
        if getattr(error.orig, "sqlstate", None) in _BUSY:
            raise DatabaseBusy from error
        raise
    except OSError as error:
        raise DatabaseAway from error


def _is_away(error: DBAPIError) -> bool:
    """Whether the connection is at fault and not the statement."""
    cause = error.orig.__cause__ if error.orig else None
    state: str = getattr(error.orig, "sqlstate", None) or ""
    lost = error.connection_invalidated or isinstance(error.orig, OSError)
    return lost or state.startswith(_AWAY) or isinstance(cause, asyncpg.InternalClientError)


# SQLSTATE: no connection, a server that starts or stops, one that takes no more connections
_AWAY = ("08", "57P", "53300")
# a statement over its time, a lock that did not come, a deadlock
_BUSY = ("57014", "55P03", "40P01")


class Repository:
    """A service's queries for one tenant; methods return Structs, the edge commits."""

    events: ClassVar[Table]
    across_tenants: ClassVar[bool] = False

    def __init__(self, connection: AsyncConnection, tenant_id: UUID) -> None:
        self.connection = connection
        self.tenant_id = tenant_id

    async def all[T](self, query: Executable, kind: type[T]) -> list[T]:
        rows = await self.connection.execute(query)
        return [msgspec.convert(row, kind, from_attributes=True) for row in rows]

    async def first[T](self, query: Executable, kind: type[T]) -> T | None:
        row = (await self.connection.execute(query)).first()
        return None if row is None else msgspec.convert(row, kind, from_attributes=True)

    async def run(self, statement: Executable) -> int:
        """Execute a statement; answers how many rows it touched."""
        result: Any = await self.connection.execute(statement)
        return int(result.rowcount)

    async def let_go(self) -> None:
        """Give the connection back, with all that was done: what follows waits for others."""
        await self.connection.commit()
        await self.connection.close()

    async def record(self, *events: Event) -> None:
        """Write events in the transaction of the change that they tell of."""
        await self.connection.execute(insert(self.events), [event_row(event) for event in events])


def event_row(event: Event) -> dict[str, Any]:
    """An event as a row of its service's log."""
    body = catalogue.encode(event)
    if len(body) > MAX_EVENT_BYTES:
        raise EventTooLarge(event_type=event.type, size_bytes=len(body))
    return {
        "id": event.id,
        "key": event.key,
        "seq": event.seq,
        "tenant_id": event.tenant_id,
        "type": event.type,
        "subject": event.subject,
        "at": event.at,
        "body": body,
    }
