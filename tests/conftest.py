"""Real servers, started once: `infra` without services, `stack` with everything."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tidemill_stack.stack import Stack

SHORT_TIMERS = {
    "TM_LEASE_S": "4",
    "TM_BEAT_S": "0.5",
    "TM_SWEEP_S": "2",
    "TM_ORDER_S": "3",
    "TM_KILL_S": "0.5",
    "TM_PULL_S": "1",
    "TM_DRAIN_S": "1",
    "TM_HEARTBEAT_S": "1",
    "TM_AUTHENTICATE_S": "1",
    "TM_EXPIRY_WARNING_S": "2",
    "TM_RING_EVENTS": "100",
    "TM_PROCESSOR_PATHS": str(Path(__file__).parent / "e2e" / "own"),
    "TM_MAX_DATASET_BYTES": str(4 * 1024 * 1024),
}
WHOLE_SYSTEMS = frozenset({"stack", "restless", "talkative", "hurt"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the whole system is slow."""
    for item in items:
        if WHOLE_SYSTEMS & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(scope="session")
async def infra(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    """Servers with every service's tables, and no service."""
    async with Stack(tmp_path_factory.mktemp("infra"), services=()) as started:
        yield started


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    """Everything, behind its gateway, with short timers."""
    folder = tmp_path_factory.mktemp("stack")
    async with Stack(folder, slots=2, env=SHORT_TIMERS) as started:
        yield started
