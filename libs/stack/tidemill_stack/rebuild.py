"""The command that checks the tables against the log."""

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tidemill_stack import services
from tidemill_stack.attach import surroundings
from tidemill_stack.commands import Data, spoken
from tidemill_stack.settings import data_folder, environment

app = typer.Typer()


class Source(StrEnum):
    TABLE = "table"
    STREAM = "stream"


@app.command()
@spoken
def rebuild(
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare and change nothing; it must be given.")
    ] = False,
    source: Annotated[
        Source,
        typer.Option("--from", help="`stream`: first compare the events table with EVENTS."),
    ] = Source.TABLE,
    limit: Annotated[int, typer.Option(min=0, help="Print at most so many differences.")] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data: Data = None,
) -> None:
    """Fold every job's events and compare with the jobs stored; exit 1 where they differ."""
    if not verify:
        raise typer.BadParameter("there is nothing else to do yet", param_hint="--verify")
    folder = (data or data_folder(environment())).absolute()
    command = [
        str(Path(sys.executable).with_name("tidemill-rebuild")),
        "--verify",
        f"--from={source}",
        f"--limit={limit}",
        *(["--json"] if as_json else []),
    ]
    env = services.environment("jobs", surroundings(folder))
    done = subprocess.run(command, env=env, check=False)  # noqa: S603 - our own script, no shell
    raise typer.Exit(done.returncode)
