"""Work of known size for the bench: processor time, or waiting that leaves a trace."""

import threading
import time
from pathlib import Path

from msgspec import Struct

from tidemill_processor.registry import processor


class Spin(Struct, frozen=True, forbid_unknown_fields=True):
    rounds: int


class Nap(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: float
    log: str
    line: str


@processor(hidden=True)
def spin(params: Spin) -> int:
    """Count in a fixed loop of pure Python."""
    total = 0
    for number in range(params.rounds):
        total += number * number % 7
    return total


@processor(hidden=True)
def nap(params: Nap) -> None:
    """Wait, then add a line to a file: the trace of an execution that got to its end."""
    threading.Event().wait(params.seconds)
    with Path(params.log).open("a", encoding="ascii") as file:
        file.write(f"{params.line} {time.time()}\n")
