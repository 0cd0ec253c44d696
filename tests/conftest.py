"""Real servers, started once: `infra` without services, `stack` with everything, one to `hurt`.

The whole suite runs in three lanes, each a process with servers of its own: most tests wait.
"""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tidemill_stack.stack import Stack

MAX_DATASET_BYTES = 20 * 1024 * 1024
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
    "TM_ORPHAN_AGE_S": "0",
    "TM_TIDY_S": "0.5",
    "TM_COLLECT_S": "86400",
    "TM_MAX_DATASET_BYTES": str(MAX_DATASET_BYTES),
    "TM_WEBHOOK_ALLOW_HTTP": "true",
    "TM_WEBHOOK_PORTS": "*",
    "TM_WEBHOOK_NETWORKS": "127.0.0.0/8",
    "TM_WEBHOOK_POLL_S": "0.2",
}
WHOLE_SYSTEMS = frozenset({"stack", "talkative", "hurt"})
LANES = 3


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Open the lanes where no path was asked for; `-n 0` keeps one process."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return  # a lane opens none
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if whole and config.option.numprocesses is None:
        config.option.numprocesses, config.option.dist = LANES, "loadgroup"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the whole system is slow; who shares servers shares a lane."""
    for item in items:
        asked: set[str] = set(getattr(item, "fixturenames", ()))
        if WHOLE_SYSTEMS & asked:
            item.add_marker("slow")
        item.add_marker(pytest.mark.xdist_group(lane(asked)))


def lane(asked: set[str]) -> str:
    """The lane of a test that asks for these fixtures."""
    if "hurt" in asked:
        return "hurt"
    return "shared" if asked & {"stack", "infra"} else "alone"


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


@pytest.fixture(scope="session")
async def hurt(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    """A system whose processes are killed, stopped and wiped."""
    folder = tmp_path_factory.mktemp("hurt")
    async with Stack(folder, slots=3, env=SHORT_TIMERS) as started:
        yield started
