"""What the command writes: answers to stdout, notes to stderr."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tidemill_client.subscription import Item, Received
from tidemill_client.wording import describe, progress
from tidemill_contracts.lines import LogLine, plain, spelled
from tidemill_contracts.stream import Gap, Logged, Progressed

PIPE_COLUMNS = 200


def screen(*, notes: bool = False) -> Console:
    """A console as wide as the terminal; a pipe has no width, and nothing is cut there."""
    stream = sys.stderr if notes else sys.stdout
    width = None if stream.isatty() else PIPE_COLUMNS
    return Console(stderr=notes, width=width, highlight=False, soft_wrap=width is not None)


def note(text: str) -> None:
    screen(notes=True).print(Text(text))


def harmless(text: str) -> str:
    """A text of which nothing steers the terminal, on one line."""
    return spelled(text).replace("\n", " ")


def json_line(value: Any) -> None:
    typer.echo(msgspec.json.encode(value).decode())


def json_page(value: Any) -> None:
    """For one answer: indented, as a person may read it too."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows under their headings; cells are text, never markup."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*(Text("" if cell is None else harmless(str(cell))) for cell in row))
    for column in made.columns[:1]:
        column.no_wrap = True
    screen().print(made)


def item(each: Item, *, as_json: bool) -> None:
    """An event, or progress, as one line."""
    typer.echo(json_text(each) if as_json else line(each))


def line(each: Item) -> str:
    """What a person reads of an item."""
    match each:
        case Received(event=event):
            return f"{_clock(event.at)}  {event.type:<22} {harmless(describe(event))}".rstrip()
        case Progressed(progress=now):
            return (
                f"{now.at.astimezone():%H:%M:%S}.{now.at.microsecond // 1000:03}  … {progress(now)}"
            )
        case Logged(lines=lines):
            return "\n".join(said(each) for each in lines)
        case Gap(reason=reason, resume=resume):
            return f"events are missing ({reason}); it goes on at {resume}"


def said(each: LogLine) -> str:
    """A line of a job's log; nothing in it can steer the terminal."""
    return plain(each, _clock(each.at))


def json_text(each: Item) -> str:
    """What a program reads of an item: `{cursor, event}`, `{progress}`, `{log}` or `{gap}`."""
    match each:
        case Received(cursor=cursor, body=body):
            told: dict[str, Any] = {"cursor": cursor, "event": body}
        case Progressed(progress=now):
            told = {"progress": now}
        case Logged(lines=lines, skipped=skipped):
            told = {"log": {"lines": lines, "skipped": skipped}}
        case Gap(reason=reason, resume=resume):
            told = {"gap": {"reason": reason, "resume": resume}}
    return msgspec.json.encode(told).decode()


def _clock(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="milliseconds")[11:23]
