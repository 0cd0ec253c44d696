"""What the supervisor has to know of one process: how to start it, to ask it and to stop it."""

import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct, field

type Ask = Callable[[], Awaitable[None]]


class Component(Struct, frozen=True, kw_only=True):
    """A process of the stack; `ready` raises NotReady until it answers."""

    name: str
    command: list[str]
    environment: dict[str, str]
    port: int
    ready: Ask
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    stop_s: float = 8.0
    never_root: bool = False
    litter: list[Path] = field(default_factory=list[Path])
