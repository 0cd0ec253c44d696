"""A process that ends is started again; one that cannot start or end does not hold up the rest."""

from pathlib import Path
from time import monotonic

import pytest

from tidemill_stack import probes, state
from tidemill_stack.child import Child
from tidemill_stack.component import Component
from tidemill_stack.errors import NotReady, StartFailed
from tidemill_stack.stack import Stack


def a_child(folder: Path, script: str) -> Child:
    """A shell script that is ready once it has made the file `ready`."""

    async def ready() -> None:
        if not (folder / "ready").exists():
            raise NotReady

    component = Component(
        name="script",
        command=["/bin/sh", "-c", script],
        environment={"PATH": "/bin:/usr/bin"},
        port=0,
        ready=ready,
        folder=folder,
        stop_s=0.2,
    )
    return Child(component, folder, lambda: None)


@pytest.mark.parametrize("name", ["nats-server", "weed", "postgres"])
async def test_a_killed_server_comes_back_on_the_same_port(servers: Stack, name: str) -> None:
    before = {each.name: each for each in servers.running()}[name]

    killed = servers.kill(name)
    pid = await servers.ready(name, instead_of=killed)

    after = {each.name: each for each in servers.running()}[name]
    assert (after.port, after.restarts) == (before.port, before.restarts + 1)
    assert after.pid == pid != killed
    await probes.listens("127.0.0.1", after.port)


async def test_restarts_follow_each_other_ever_more_slowly(servers: Stack) -> None:
    pauses: list[float] = []

    for _ in range(3):
        killed, began = servers.kill("nats-server"), monotonic()
        await servers.ready("nats-server", instead_of=killed)
        pauses.append(monotonic() - began)

    assert pauses[1] > 0.4
    assert pauses[2] > 0.8


async def test_what_cannot_start_fails_soon_and_tells_why(tmp_path: Path) -> None:
    child = a_child(tmp_path, "echo no such setting; exit 1")

    child.start()
    with pytest.raises(StartFailed, match="script did not start: it ended 3 times\nno such"):
        await child.ready(20)

    await child.stop()
    assert child.pid is None


async def test_what_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    child = a_child(tmp_path, "trap '' TERM; sleep 99 & echo $! > pid; touch ready; wait; wait")
    child.start()
    pids = [await child.ready(20), int((tmp_path / "pid").read_text())]

    await child.stop()

    assert [state.started_ticks(pid) for pid in pids if not state.has_ended(pid, 5)] == []
