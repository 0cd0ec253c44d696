"""The log of everything that happened."""

from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson


def events(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(help="After this cursor; `now` with --follow. Else from the oldest kept."),
    ] = None,
    job: Annotated[UUID | None, typer.Option(help="Only those of this job.")] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only this type, such as job.failed; may be repeated."),
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they happen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print events, oldest first; with --follow for ever, reconnecting where needed."""

    async def use(client: Client) -> None:
        found = client.events(after=since, types=kinds, job_id=job, follow=follow)
        async with aclosing(found) as items:
            async for item in items:
                terminal.item(item, as_json=as_json)

    calling.run(context, use)
