"""Real servers, started once: `infra` without services, `stack` with everything, one to `hurt`.

The whole suite runs in three lanes, each a process: most tests wait. Tests that share servers
share a lane, and the longest begin first.
"""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tidemill_stack.stack import Stack

HERE = Path(__file__).parent
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
    "TM_PROCESSOR_PATHS": str(HERE / "e2e" / "own"),
    "TM_ORPHAN_AGE_S": "0",
    "TM_TIDY_S": "0.5",
    "TM_COLLECT_S": "86400",
    "TM_MAX_DATASET_BYTES": str(MAX_DATASET_BYTES),
    "TM_WEBHOOK_ALLOW_HTTP": "true",
    "TM_WEBHOOK_PORTS": "*",
    "TM_WEBHOOK_NETWORKS": "127.0.0.0/8",
    "TM_WEBHOOK_POLL_S": "0.2",
}
LONGEST = ("hurt", "stack", "infra", "notifier")
LANES = 3


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Open the lanes where no path was asked for; `-n 0` keeps one process."""
    if hasattr(config, "workerinput"):
        config.option.loadgroup = True
        return  # a lane opens none, and is told nothing of what follows
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if whole and config.option.numprocesses is None and not config.option.collectonly:
        config.option.numprocesses, config.option.dist = LANES, "loadgroup"
        config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the whole system is slow, and comes first; so do those that share servers."""
    lanes = {item: lane(item) for item in items}
    for item in items:
        if {"hurt", "stack"} & _asked(item):
            item.add_marker("slow")
        item.add_marker(pytest.mark.xdist_group(lanes[item]))
    last = len(LONGEST)
    items.sort(key=lambda item: LONGEST.index(lanes[item]) if lanes[item] in LONGEST else last)


def lane(item: pytest.Item) -> str:
    """The servers that a test shares with others, or the folder that it lies in."""
    folder = item.path.relative_to(HERE).parts[0]
    if folder == "notifier":  # it has a system of its own
        return folder
    asked = _asked(item)
    return next((name for name in LONGEST if name in asked), folder)


def _asked(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


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
    """A system whose processes are killed, stopped and wiped; its processors behave badly, too."""
    paths = (HERE / "e2e" / "own", HERE / "processor" / "child" / "own")
    env = {**SHORT_TIMERS, "TM_PROCESSOR_PATHS": os.pathsep.join(map(str, paths))}
    folder = tmp_path_factory.mktemp("hurt")
    async with Stack(folder, slots=3, env=env) as started:
        yield started
