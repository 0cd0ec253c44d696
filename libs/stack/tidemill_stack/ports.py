"""Free ports below the range from which the kernel picks the ports of outgoing connections.

A port that was handed out is not yet listened on. Until `release` UDP's port of the same number,
which nobody needs, is held: other stacks that start now take another.
"""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from secrets import randbelow

from tidemill_stack.errors import StartFailed

LOWEST = 15_000
HIGHEST = 32_767
TWIN = 10_000
_TRIES = 1_000


class Ports:
    """Hands out ports; where it can, the one that the same name had the last time."""

    def __init__(self, earlier: Mapping[str, int]) -> None:
        self._earlier = earlier
        self._claims = ExitStack()
        self.given: dict[str, int] = {}

    def take(self, name: str, *, twin: bool = False) -> int:
        """A free loopback port; with `twin` the one 10,000 above is free as well."""
        highest = HIGHEST - TWIN if twin else HIGHEST
        for attempt in range(_TRIES):
            port = self._earlier.get(name, 0) if attempt == 0 else 0
            port = port or LOWEST + randbelow(highest - LOWEST + 1)
            wanted = {port, port + TWIN} if twin else {port}
            if wanted.isdisjoint(self._taken()) and self._claim(wanted):
                self.given[name] = port
                return port
        raise StartFailed("no free port on the loopback interface")

    def release(self) -> None:
        """Leave all ports to whoever wants them."""
        self._claims.close()

    def _claim(self, wanted: set[int]) -> bool:
        with ExitStack() as claims:
            for port in wanted:
                claim = claims.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                try:
                    claim.bind(("127.0.0.1", port))
                except OSError:
                    return False
                if not is_free(port):
                    return False
            self._claims.push(claims.pop_all())
        return True

    def _taken(self) -> set[int]:
        return {port + shift for port in self.given.values() for shift in (0, TWIN)}


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
