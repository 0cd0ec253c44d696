"""More processes of a service than the one that a stack starts."""

import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from tidemill_stack import gateway, probes
from tidemill_stack.child import Child
from tidemill_stack.component import Component
from tidemill_stack.gateway import Gateway
from tidemill_stack.ports import Ports
from tidemill_stack.servers import program
from tidemill_stack.stack import Stack

START_S = 60.0


class Other(Child):
    """A further process of a service, at an address of its own."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.component.port}"


class Others:
    """Starts further processes of services, and ends them all on leaving."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._started = AsyncExitStack()
        self._ports = Ports({})
        self._count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._started.aclose()
        self._ports.release()

    async def start(self, service: str, **env: str) -> Other:
        self._count += 1
        port = self._ports.take(f"{service}-{self._count}")
        url = f"http://127.0.0.1:{port}/readyz"

        async def ready() -> None:
            await probes.answers(url)

        component = Component(
            name=f"tidemill-{service}-{self._count}",
            command=[program(f"tidemill-{service}")],
            environment={**self._stack.env(service), "TM_PORT": str(port), **env},
            port=port,
            ready=ready,
            folder=self._stack.data,
        )
        other = Other(component, self._stack.data / "logs", lambda: None)
        other.start()
        self._started.push_async_callback(other.stop)
        await other.ready(START_S)
        return other

    async def gateway(self, service: str, *urls: str) -> Other:
        """A gateway that knows so many replicas of a service."""
        at = gateway.settle(Gateway(), self._ports)
        upstreams = " ".join(url.removeprefix("http://") for url in urls)
        given = {f"TM_{service.upper()}_UPSTREAM": upstreams}
        folder = self._stack.data / "other-gateway"
        folder.mkdir()
        made = gateway.component(folder, at, self._stack.ports, given, asks_identity=True)
        component = replace(made, name="caddy-2")
        other = Other(component, self._stack.data / "logs", lambda: None)
        other.start()
        self._started.push_async_callback(other.stop)
        await other.ready(START_S)
        return other


def family(pid: int) -> list[int]:
    """A process and all that it started, whatever group they are in."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def send_to_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def local_ports(pid: int) -> list[int]:
    """The ports of a process' own ends of its connections."""
    sockets = {path.readlink().name for path in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return [int(row[1].partition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in sockets]
