"""A job as a file: taken along, and looked at without any system."""

from pathlib import Path
from typing import Annotated

import typer

from tidemill_client import calling, recording, terminal
from tidemill_client.client import Client
from tidemill_client.commands import playing, watching
from tidemill_client.commands.options import AsJson, At, JobId, Longest
from tidemill_client.problems import ClientError

File = Annotated[
    Path, typer.Argument(help="A file that `export` made.", exists=True, dir_okay=False)
]


def export(
    context: typer.Context,
    job: JobId,
    *,
    to: Annotated[
        Path | None,
        typer.Option("--to", "-o", dir_okay=False, help="The file; else JOB.tidemill.zip."),
    ] = None,
) -> None:
    """Write an ended job with its events, attempts, log and values into one file."""
    target = to or Path(f"{job}.tidemill.zip")

    async def use(client: Client) -> recording.Manifest:
        return await recording.write(client, job, target)

    made = calling.run(context, use)
    terminal.note(f"wrote {target}")
    for missing in made.left_out:
        terminal.note(f"left out: {missing}")


def show(
    file: File,
    *,
    at: At = None,
    speed: Annotated[
        float | None, typer.Option(min=0, help="Play its life, so many times as fast as it was.")
    ] = None,
    longest: Longest = 3.0,
    logs: Annotated[bool, typer.Option("--logs", help="What its processors said.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a job out of a file, without any system: as it ended, as it was, or again."""
    try:
        found = recording.read(file)
        job = found.job if at is None else found.job_at(at)
    except (ClientError, OSError) as error:
        terminal.note(f"tidemill: {error}")
        raise typer.Exit(calling.REFUSED) from error
    if speed is not None:
        playing.play(found.events, speed=speed, longest=longest)
        return
    if logs:
        for line in found.lines:
            typer.echo(terminal.said(line))
        return
    watching.show(job, as_json=as_json)
    if at is None and not as_json:
        for event in found.events:
            terminal.item(event, as_json=False)
