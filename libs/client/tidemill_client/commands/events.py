"""The log of everything that happened."""

import re
from contextlib import aclosing
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands import recordings
from tidemill_client.commands.options import AsJson
from tidemill_client.offsets import FileOffsets
from tidemill_client.subscription import Item, Received
from tidemill_client.wording import describe
from tidemill_contracts.catalogue import event_types
from tidemill_contracts.ids import now
from tidemill_contracts.stream import Gap

MISSED = 4
PLACES = ("start", "now")
DURATION = re.compile(r"(\d{1,6})([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
STYLES = {"failed": "red", "expired": "red", "rejected": "red", "succeeded": "green"} | {
    "ready": "green",
    "cancelled": "yellow",
    "retry_scheduled": "yellow",
    "attempt_lost": "yellow",
    "stalled": "yellow",
}

Since = Annotated[
    str | None,
    typer.Option(
        help="After this cursor; `start`, `now`, a moment, or so long ago: 90s, 15m, 2h, 7d. "
        "Else from the oldest kept."
    ),
]
OfJob = Annotated[UUID | None, typer.Option("--job", help="Only those of this job.")]
OfDataset = Annotated[UUID | None, typer.Option("--dataset", help="Only those of this dataset.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only such types: job.failed, job.*, *.failed; repeatable."),
]
Most = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Stop behind so many.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on as they happen.")]
Keep = Annotated[
    Path | None,
    typer.Option(help="With --follow: keep the place in this file, and go on from there."),
]

app = typer.Typer(help="The log of everything that happened, and jobs as files.")
app.command()(recordings.export)
app.command("import")(recordings.bring)
app.command()(recordings.archives)
app.command()(recordings.show)
app.command()(recordings.forget)


@app.callback(invoke_without_command=True)
def events(
    context: typer.Context,
    *,
    since: Since = None,
    job: OfJob = None,
    dataset: OfDataset = None,
    kinds: Kinds = None,
    limit: Most = None,
    follow: Follow = False,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Print events, oldest first; with --follow for ever, reconnecting where needed.

    Exit 0 if all were printed, 3 if the system refuses or does not answer, 4 if some are missing,
    130 on Ctrl-C, which tells the cursor to go on from.
    """
    if context.invoked_subcommand is not None:
        return
    after, moment = place(since, now())
    printer, types = Printer(as_json=as_json, limit=limit, moment=moment), chosen(kinds)

    async def use(client: Client) -> None:
        about = {"job_id": job, "dataset_id": dataset}
        kept = FileOffsets(keep) if keep else None
        found = client.events(after=after, types=types, follow=follow, offsets=kept, **about)
        async with aclosing(found) as items:
            async for item in items:
                if printer.show(item):
                    return

    try:
        calling.run(context, use)
    except typer.Exit as ended:
        if ended.exit_code == calling.INTERRUPTED:
            printer.tell_place()
        raise
    raise typer.Exit(printer.ended())


class Printer:
    """Prints items and remembers where it is."""

    def __init__(self, *, as_json: bool, limit: int | None, moment: datetime | None) -> None:
        self.missed = False
        self._left = limit
        self._as_json = as_json
        self._moment = moment
        self._place: str | None = None

    @property
    def is_full(self) -> bool:
        return self._left is not None and self._left <= 0

    def show(self, item: Item) -> bool:
        """Print an item; whether that was the last."""
        if isinstance(item, Gap):
            self.missed, self._place = True, item.resume
        if isinstance(item, Received):
            self._place = item.cursor or self._place
            if self._moment is not None and item.event.at < self._moment:
                return False
            self._left = None if self._left is None else self._left - 1
        if isinstance(item, Received) and not self._as_json:
            screen = terminal.screen()
            screen.print(line(item), soft_wrap=True)
        else:
            terminal.item(item, as_json=self._as_json)
        return self.is_full

    def ended(self) -> int:
        """The exit code; where there may be more, the place is told."""
        if self.is_full:
            self.tell_place()
        return MISSED if self.missed else 0

    def tell_place(self) -> None:
        if self._place is not None:
            terminal.note(f"go on with --since {self._place}")


def line(item: Received) -> Text:
    """Place, time, type, of what, and what there is to say of it."""
    event = item.event
    moment = event.at.astimezone().isoformat(sep=" ", timespec="milliseconds")[:23]
    style = STYLES.get(event.type.partition(".")[2], "")
    said = terminal.harmless(describe(event))
    return Text.assemble(
        f"{item.cursor or '':>10}  {moment}  ",
        (f"{event.type:<21}", style),
        f" {event.key}  {said}".rstrip(),
    )


def place(since: str | None, at: datetime) -> tuple[str | None, datetime | None]:
    """Where to begin, and the moment before which nothing is wanted."""
    if since is None or since in PLACES:
        return since, None
    if found := DURATION.fullmatch(since):
        moment = at - timedelta(**{UNITS[found[2]]: int(found[1])})
    elif "-" in since:
        try:
            moment = datetime.fromisoformat(since).astimezone()
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--since") from error
    else:
        return since, None
    return moment.isoformat(timespec="milliseconds"), moment


def chosen(patterns: list[str] | None) -> list[str] | None:
    """The types that these patterns mean; None for all."""
    if not patterns or "*" in patterns:
        return None
    found: dict[str, None] = {}
    for pattern in patterns:
        known = [kind for kind in event_types() if fnmatchcase(kind, pattern)]
        if not known:
            raise typer.BadParameter(f"no type is like {pattern!r}", param_hint="--type")
        found |= dict.fromkeys(known)
    return list(found)
