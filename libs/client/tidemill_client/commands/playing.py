"""A job's life on the screen again: from its events, at any speed."""

import time
from collections.abc import Iterator, Sequence

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import JobId, Longest, Speed
from tidemill_client.subscription import Received
from tidemill_client.wording import outcome
from tidemill_contracts.fold import Fold
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import Job

SHOWN_EVENTS = 8
FRAMES_PER_S = 8


def replay(
    context: typer.Context, job: JobId, *, speed: Speed = 1.0, longest: Longest = 3.0
) -> None:
    """Play a job's life again, from its events."""

    async def use(client: Client) -> list[Received]:
        found = [item async for item in client.events(job_id=job)]
        return [item for item in found if isinstance(item, Received)]

    play(calling.run(context, use), speed=speed, longest=longest)


def play(events: Sequence[Received], *, speed: float, longest: float) -> None:
    """Show the job after each of its events, with the pauses that were between them."""
    screen = terminal.screen()
    try:
        if not screen.is_terminal:
            for item, _ in _in_time(events, speed, longest):
                typer.echo(terminal.line(item))
            return
        with Live(console=screen, refresh_per_second=FRAMES_PER_S) as live:
            for number, (item, now) in enumerate(_in_time(events, speed, longest), 1):
                live.update(_picture(now, item, events[:number]))
    except KeyboardInterrupt:
        raise typer.Exit(calling.INTERRUPTED) from None


def _in_time(
    events: Sequence[Received], speed: float, longest: float
) -> Iterator[tuple[Received, Job]]:
    fold: Fold | None = None
    before = events[0].event.at if events else None
    for item in events:
        if not isinstance(item.event, JobEvent):
            continue
        if before is not None and speed > 0:
            passed = (item.event.at - before).total_seconds()
            time.sleep(min(max(passed, 0.0) / speed, longest))
        before = item.event.at
        if fold is None:
            fold = Fold(item.event)
        else:
            fold.apply(item.event)
        yield item, fold.job


def _picture(now: Job, item: Received, told: Sequence[Received]) -> Group:
    since = (item.event.at - now.created_at).total_seconds()
    steps = Table("step", "status", "result", box=None, pad_edge=False, header_style="bold")
    for step in now.steps:
        said = step.error.message if step.error else outcome(step.result)
        steps.add_row(Text(step.name), Text(step.status), Text(terminal.harmless(said)))
    head = f"{now.id}  {now.status}  attempt {now.attempt}  +{since:.3f} s"
    place = f"  at {item.cursor}" if item.cursor else ""
    lines = [Text(terminal.line(each)) for each in told[-SHOWN_EVENTS:]]
    return Group(Text(head + place, style="bold"), Text(), steps, Text(), *lines)
