"""How `run.log` speaks: a line of JSON on a pipe of its own, which outlives whoever wrote it."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tidemill_contracts.lines import MAX_LINE_BYTES, Level

CUT = " …"
_encoder = msgspec.json.Encoder(enc_hook=repr)


class Remark(Struct, frozen=True, kw_only=True):
    """A line of `run.log`; fields that do not fit are left out and counted in bytes."""

    at: datetime
    level: Level
    text: str
    fields: dict[str, Any] | UnsetType = UNSET


class Remarks:
    """Writes remarks to a pipe; several threads may."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = Lock()

    def write(self, level: Level, message: str, fields: Mapping[str, Any]) -> None:
        line = memoryview(encode(level, message, fields))
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


def encode(level: Level, message: str, fields: Mapping[str, Any]) -> bytes:
    """A remark of now as a line of at most 8 KiB, whatever it is made of."""
    text = str(message).encode(errors="replace").decode()
    kept = dict(fields) or UNSET
    line = _line(level, text, kept)
    if len(line) > MAX_LINE_BYTES and kept:
        line = _line(level, text, {"left_out_bytes": len(line)})
    most = MAX_LINE_BYTES
    while len(line) > MAX_LINE_BYTES:
        most //= 2
        line = _line(level, text[:most] + CUT, UNSET)
    return line


def _line(level: Level, text: str, fields: dict[str, Any] | UnsetType) -> bytes:
    remark = Remark(at=datetime.now(UTC), level=level, text=text, fields=fields)
    try:
        return _encoder.encode(remark) + b"\n"
    except (TypeError, ValueError, OverflowError, RecursionError):
        shown = {str(key): repr(value) for key, value in dict(fields or {}).items()}
        return _line(level, text, shown)
