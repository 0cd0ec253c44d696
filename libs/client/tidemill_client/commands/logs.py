"""What processors say."""

from contextlib import aclosing
from typing import Annotated

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson, JobId
from tidemill_contracts.lines import LineStream


def logs(
    context: typer.Context,
    job: JobId,
    attempt: Annotated[
        int | None, typer.Option(min=0, help="Only what was said in this attempt.")
    ] = None,
    step: Annotated[str | None, typer.Option(help="Only what this step said.")] = None,
    stream: Annotated[
        LineStream | None, typer.Option(help="Only what came by `run.log`, or was printed.")
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print what a job's processors said, oldest first; also while it runs."""

    async def use(client: Client) -> None:
        found = client.log_lines(job, follow=follow, attempt=attempt, step=step, stream=stream)
        async with aclosing(found) as lines:
            async for line in lines:
                if as_json:
                    terminal.json_line(line)
                else:
                    typer.echo(terminal.said(line))

    calling.run(context, use)
