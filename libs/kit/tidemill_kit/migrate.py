"""Roles, schemas and migrations of all services."""

import re
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import Struct
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

_NAME = re.compile(r"^[a-z]+$")


class MigrationStatus(Struct, frozen=True, kw_only=True):
    """Where a service's tables stand."""

    service: str
    current: str | None
    newest: str
    pending: int


class ServiceUnknown(LookupError):
    """No installed service of this name has migrations."""


def services() -> list[str]:
    """The installed services that have tables, in the order of their names."""
    names = sorted(entry.name for entry in entry_points(group="tidemill.services"))
    return [name for name in names if (_package(name) / "migrations").is_dir()]


async def bootstrap(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Make each service's schema and roles and set its password; twice changes nothing."""
    for service, password in passwords.items():
        if not _NAME.match(service):
            raise ServiceUnknown(service)
        await _on(admin_url, lambda c, s=service, p=password: _bootstrap(c, s, p))


async def upgrade(admin_url: str, service: str, revision: str = "head") -> None:
    await _on(admin_url, lambda c: command.upgrade(_config(c, service), revision))


async def downgrade(admin_url: str, service: str, steps: int = 1) -> None:
    await _on(admin_url, lambda c: command.downgrade(_config(c, service), f"-{steps}"))


async def status(admin_url: str) -> list[MigrationStatus]:
    found: list[MigrationStatus] = []

    def read(connection: Connection) -> None:
        found.extend(_status(connection, service) for service in services())

    await _on(admin_url, read)
    return found


def _bootstrap(connection: Connection, service: str, password: str) -> None:
    role = f"tidemill_{service}"
    quoted = password.replace("'", "''")
    known = set(connection.scalars(text("select rolname from pg_roles")))
    statements = [
        *([] if role in known else [f"create role {role} login"]),
        *([] if f"{role}_caller" in known else [f"create role {role}_caller nologin"]),
        f"alter role {role} password '{quoted}'",
        f"grant {role}_caller to {role}",
        f"create schema if not exists {service}",
        "revoke all on schema public from public",
    ]
    for statement in statements:
        connection.exec_driver_sql(statement)


def _status(connection: Connection, service: str) -> MigrationStatus:
    script = ScriptDirectory.from_config(_config(connection, service))
    context = MigrationContext.configure(connection, opts={"version_table_schema": service})
    current = context.get_current_revision()
    newest = script.get_current_head() or ""
    ahead = list(script.iterate_revisions(newest, current)) if newest else []
    return MigrationStatus(service=service, current=current, newest=newest, pending=len(ahead))


def _config(connection: Connection, service: str) -> Config:
    connection.exec_driver_sql(f"set search_path to {service}")
    connection.exec_driver_sql("set lock_timeout to '2s'")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "environment"))
    config.set_main_option("version_locations", str(_package(service) / "migrations" / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, schema=service)
    return config


def _package(service: str) -> Path:
    spec = find_spec(f"tidemill_{service}")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceUnknown(service)
    return Path(spec.submodule_search_locations[0])


async def _on(admin_url: str, work: Callable[[Connection], Any]) -> None:
    url = admin_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
            await connection.commit()
    finally:
        await engine.dispose()
