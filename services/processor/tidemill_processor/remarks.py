"""How the child's side of a log speaks.

`run.log` writes lines of JSON to a pipe of their own, which outlives whoever wrote them; where
stdout and stderr go over to the next step, they carry a mark.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tidemill_contracts.lines import MAX_LINE_BYTES, Level

CUT = " …"
MARK = b"\0tidemill: the next step\x1e"
PRINTED = (1, 2)
_encoder = msgspec.json.Encoder(enc_hook=repr)


class Remark(Struct, frozen=True, kw_only=True):
    """A line of `run.log`; fields that do not fit are left out and counted in bytes."""

    at: datetime
    step: str
    level: Level
    text: str
    fields: dict[str, Any] | UnsetType = UNSET


class Remarks:
    """Writes remarks to a pipe, and marks to what is printed; several threads may."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = Lock()

    def write(self, step: str, level: Level, message: str, fields: Mapping[str, Any]) -> None:
        line = memoryview(encode(step, level, message, fields))
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]

    def next_step(self) -> None:
        """What is printed from now on is of the next step."""
        self.flush()
        for descriptor in PRINTED:
            with suppress(OSError):
                os.write(descriptor, MARK)

    def flush(self) -> None:
        """Print what waits in Python's own buffers, unless the step has closed them."""
        for printed in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                printed.flush()


def encode(step: str, level: Level, message: str, fields: Mapping[str, Any]) -> bytes:
    """A remark of now as a line of at most 8 KiB, whatever it is made of."""
    text = str(message).encode(errors="replace").decode()
    kept = dict(fields) or UNSET
    line = _line(step, level, text, kept)
    if len(line) > MAX_LINE_BYTES and kept:
        line = _line(step, level, text, {"left_out_bytes": len(line)})
    most = MAX_LINE_BYTES
    while len(line) > MAX_LINE_BYTES:
        most //= 2
        line = _line(step, level, text[:most] + CUT, UNSET)
    return line


def _line(step: str, level: Level, text: str, fields: dict[str, Any] | UnsetType) -> bytes:
    remark = Remark(at=datetime.now(UTC), step=step, level=level, text=text, fields=fields)
    try:
        return _encoder.encode(remark) + b"\n"
    except (TypeError, ValueError, OverflowError, RecursionError):
        shown = {str(key): repr(value) for key, value in dict(fields or {}).items()}
        return _line(step, level, text, shown)
