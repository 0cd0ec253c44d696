"""A job as a file: taken along, brought into another system, looked at without any."""

from io import BytesIO
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from tidemill_client import calling, recording, terminal
from tidemill_client.client import Client
from tidemill_client.commands import playing, watching
from tidemill_client.commands.options import AsJson, At, JobId, Limit, Longest
from tidemill_client.problems import ClientError
from tidemill_client.wording import minute, size
from tidemill_contracts.recording import Manifest, Recording

File = Annotated[
    Path, typer.Argument(help="A file that `export` made.", exists=True, dir_okay=False)
]
Source = Annotated[
    str, typer.Argument(help="A file that `export` made, or the id of a job that was imported.")
]
ArchiveId = Annotated[UUID, typer.Argument(help="The imported job's id.", metavar="JOB")]


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

    async def use(client: Client) -> Manifest:
        return await recording.write(client, job, target)

    made = calling.run(context, use)
    terminal.note(f"wrote {target}")
    for missing in made.left_out:
        terminal.note(f"left out: {missing}")


def bring(context: typer.Context, file: File, *, as_json: AsJson = False) -> None:
    """Keep a job of another system here, for everybody to look at; it never runs."""
    content = file.read_bytes()
    made = calling.run(context, lambda client: client.import_archive(content))
    if as_json:
        terminal.json_page(made)
        return
    typer.echo(made.id)
    terminal.note(f"imported; `tidemill events show {made.id}` shows it")


def archives(context: typer.Context, limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List the jobs that were imported."""
    page = calling.run(context, lambda client: client.archives(limit=limit))
    if as_json:
        terminal.json_page(page)
        return
    terminal.table(
        ["job", "status", "processors", "finished", "imported", "size"],
        [
            (
                each.id,
                each.status,
                ", ".join(each.processors),
                minute(each.finished_at),
                minute(each.imported_at),
                size(each.size_bytes),
            )
            for each in page.items
        ],
    )


def forget(context: typer.Context, job: ArchiveId) -> None:
    """Delete an imported job; the system where it ran keeps its own."""
    calling.run(context, lambda client: client.delete_archive(job))
    terminal.note(f"forgot {job}")


def show(
    context: typer.Context,
    source: Source,
    *,
    at: At = None,
    speed: Annotated[
        float | None, typer.Option(min=0, help="Play its life, so many times as fast as it was.")
    ] = None,
    longest: Longest = 3.0,
    logs: Annotated[bool, typer.Option("--logs", help="What its processors said.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a job out of a file, without any system, or one that was imported.

    As it ended, as it was at a cursor, or again.
    """
    try:
        found = _found(context, source)
        job = found.job if at is None else recording.job_at(found, at)
    except (ClientError, OSError) as error:
        terminal.note(f"tidemill: {error}")
        raise typer.Exit(calling.REFUSED) from error
    if speed is not None:
        playing.play(recording.received(found), speed=speed, longest=longest)
        return
    if logs:
        for line in found.lines:
            typer.echo(terminal.said(line))
        return
    watching.show(job, as_json=as_json)
    if at is None and not as_json:
        for event in recording.received(found):
            terminal.item(event, as_json=False)


def _found(context: typer.Context, source: str) -> Recording:
    """The job in a file of this name, or the imported one with this id."""
    try:
        archive_id = UUID(source)
    except ValueError:
        if not Path(source).is_file():
            message = f"{source} is neither a file nor the id of a job."
            raise typer.BadParameter(message, param_hint="SOURCE") from None
        return recording.read(Path(source))
    body = calling.run(context, lambda client: client.archive_file(archive_id))
    return recording.read(BytesIO(body), source)
