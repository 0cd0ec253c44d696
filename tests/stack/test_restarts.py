"""A server that is killed comes back by itself, where it was."""

from time import monotonic

import pytest

from tidemill_stack import probes
from tidemill_stack.stack import Stack


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
