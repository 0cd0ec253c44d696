"""The `tidemill` command; others add to it by entry point group `tidemill.commands`."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points, version
from typing import Annotated

import typer

from tidemill_client import terminal
from tidemill_client.commands import (
    accounts,
    datasets,
    events,
    jobs,
    limits,
    logs,
    operations,
    people,
    pipelines,
    schedules,
    uploads,
    webhooks,
)

GROUP = "tidemill.commands"

app = typer.Typer(
    name="tidemill",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Upload data, run processors and pipelines over it, watch every step live.",
)


@app.callback()
def root(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(help="Address of the gateway; else TM_URL, else that of the last login."),
    ] = None,
) -> None:
    """Upload data, run processors and pipelines over it, watch every step live."""
    context.obj = url


@app.command("version")
def show_version() -> None:
    """Print the version."""
    typer.echo(f"tidemill {version('tidemill-client')}")


app.add_typer(accounts.app)
app.add_typer(datasets.app, name="datasets")
app.add_typer(uploads.app, name="uploads")
app.add_typer(jobs.app, name="jobs")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(events.app, name="events")
app.add_typer(operations.queues, name="queues")
app.add_typer(operations.letters, name="dead-letters")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(schedules.app, name="schedules")
app.add_typer(people.keys, name="keys")
app.add_typer(people.sessions, name="sessions")
app.add_typer(people.members, name="members")
app.add_typer(people.invite, name="invite")
app.command()(people.audit)
app.command()(operations.failures)
app.command()(operations.workers)
app.command()(pipelines.processors)
app.command()(limits.usage)
app.command()(limits.gc)
app.command()(logs.logs)


def add_groups(to: typer.Typer, points: Iterable[EntryPoint]) -> None:
    """Add the commands of other distributions; one that cannot be loaded is named and left out."""
    for point in points:
        try:
            to.add_typer(point.load())
        except (ImportError, AttributeError) as error:
            terminal.note(f"tidemill: the commands of {point.value} are left out: {error}")


def main() -> None:
    add_groups(app, entry_points(group=GROUP))
    app()
