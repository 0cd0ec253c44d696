#!/usr/bin/env python3
"""Makes every service's role and schema, sets its password and brings its tables up to date.

Runs once before the services of this version start; running it again changes nothing.
"""

import asyncio

import msgspec
from msgspec import Struct

from tidemill_kit import logs, migrate
from tidemill_kit.settings import load


def settings_of(services: list[str]) -> type[Struct]:
    """TM_ADMIN_DATABASE_URL, and TM_<SERVICE>_DB_PASSWORD of each service; each also as a file."""
    passwords = [(f"{service}_db_password", str) for service in services]
    return msgspec.defstruct("Settings", [("admin_database_url", str), *passwords], frozen=True)


async def main() -> None:
    services = migrate.services()
    given = msgspec.structs.asdict(load(settings_of(services)))
    admin_url = given["admin_database_url"]
    await migrate.bootstrap(admin_url, {name: given[f"{name}_db_password"] for name in services})
    for service in services:
        await migrate.upgrade(admin_url, service)


if __name__ == "__main__":
    logs.configure("migrate", "info")
    asyncio.run(main())
