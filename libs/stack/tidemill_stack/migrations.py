"""Roles, schemas and migrations, in a process of their own that takes SQLAlchemy with it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from tidemill_stack.errors import StartFailed


class Task(Struct, frozen=True):
    """What the process reads on its standard input, where no other process can see it."""

    admin_url: str
    passwords: dict[str, str]


async def migrate(admin_url: str, passwords: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Make roles and schemas, set the passwords, bring all tables to their newest form."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "tidemill_stack.migrations",
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        env=dict(env),
    )
    task = msgspec.json.encode(Task(admin_url, dict(passwords)))
    out, _ = await process.communicate(task)
    if process.returncode != 0:
        raise StartFailed(f"migrations: {out.decode(errors='replace').strip()[-2000:]}")


async def upgrade_all(task: Task) -> None:
    from tidemill_kit import migrate as tables

    services = tables.services()
    await tables.bootstrap(task.admin_url, {name: task.passwords[name] for name in services})
    for service in services:
        await tables.upgrade(task.admin_url, service)


if __name__ == "__main__":
    asyncio.run(upgrade_all(msgspec.json.decode(sys.stdin.buffer.read(), type=Task)))
