"""Systems that are hurt on purpose, and how much load they are under meanwhile."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from tests.e2e import conftest as stories
from tests.faults.audit import QUIET_S, tables
from tests.faults.others import Others
from tidemill_stack.stack import Stack

register = stories.register


@pytest.fixture(scope="session")
def size() -> int:
    """How many jobs a run has; ten times as many in tests/proof."""
    return 24


@pytest.fixture
async def others(hurt: Stack) -> AsyncGenerator[Others]:
    """Starts more processes of a service beside the system's own, for one test."""
    async with Others(hurt) as started:
        yield started


async def wipe(stack: Stack) -> None:
    """End NATS, delete all that it has stored, and start it again."""
    await stack.take_down("nats-server")
    forget(stack)
    await stack.bring_up("nats-server")


def forget(stack: Stack) -> None:
    """Delete all that NATS has stored."""
    shutil.rmtree(stack.data / "nats" / "jetstream")


def log_lines(stack: Stack, name: str, *events: str) -> list[dict[str, object]]:
    """What a process has written to its log under these names so far."""
    log = Path(stack.data, "logs", f"tidemill-{name}.log")
    lines = [
        msgspec.json.decode(line) for line in log.read_bytes().splitlines() if line[:1] == b"{"
    ]
    return [line for line in lines if line.get("event") in events]


async def logged(stack: Stack, name: str, *events: str, count: int = 1) -> None:
    """Wait until a process has written so many lines under these names."""
    async with asyncio.timeout(QUIET_S), tables(stack) as connection:
        while len(log_lines(stack, name, *events)) < count:
            await connection.execute("select pg_sleep(0.05)")
