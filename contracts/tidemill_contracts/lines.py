"""What processors say while they run: lines of a job's log, and how they travel and are kept."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

MAX_LINE_BYTES = 8 * 1024
MAX_ATTEMPT_BYTES = 1024 * 1024


class LineStream(StrEnum):
    """Where a line comes from: `run.log`, or a descriptor of the process."""

    LOG = "log"
    STDOUT = "stdout"
    STDERR = "stderr"


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogLine(Struct, frozen=True, kw_only=True):
    """A line; `number` counts within an attempt of its task, so that a hole shows.

    A line with `left_out` stands for so many that were too much to keep, up to its number.
    """

    at: datetime
    attempt: int
    step: str
    number: int
    stream: LineStream
    level: Level
    text: str
    fields: dict[str, Any] | UnsetType = UNSET
    left_out: int | UnsetType = UNSET


class LiveLines(Struct, frozen=True, omit_defaults=True):
    """Lines as they are said; `skipped` ones were too many to show."""

    lines: list[Raw]
    skipped: int = 0


class KeepLines(Struct, frozen=True, kw_only=True):
    """The next lines of an attempt, to be kept once however often this is said."""

    task_id: UUID
    job_id: UUID
    attempt: int
    run_id: UUID
    ordinal: int
    lines: list[Raw]


class LogPage(Struct, frozen=True, kw_only=True):
    """Lines, oldest first; behind `cursor` come those that are kept later."""

    items: list[LogLine]
    cursor: str
    next_cursor: str | None = None


def plain(line: LogLine, at: str) -> str:
    """A line as a terminal or a text file shows it: what would steer a terminal is spelled out."""
    fields = {} if line.fields is UNSET else line.fields
    told = "".join(f"  {key}={_short(value)}" for key, value in fields.items())
    mark = "" if line.level is Level.INFO else f"{line.level}: "
    text = spelled(f"{mark}{line.text}{told}")
    return f"{at}  {line.step}  " + text.replace("\n", "\n    | ")


def spelled(text: str) -> str:
    """A text in which what would steer a terminal is spelled out."""
    return text.translate(_SPELLED)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_C0_AND_DELETE, _C1 = (*range(0x20), 0x7F), range(0x80, 0xA0)
_BREAKS, _DIRECTIONS = (0x2028, 0x2029), (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F))
_ISOLATES = range(0x2066, 0x206A)
_SPELLED = {
    code: ascii(chr(code))[1:-1]
    for code in (*_C0_AND_DELETE, *_C1, *_BREAKS, *_DIRECTIONS, *_ISOLATES)
    if chr(code) not in "\t\n"
}
