"""The log of everything that happened."""

from contextlib import aclosing
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson
from tidemill_client.offsets import FileOffsets


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
    keep: Annotated[
        Path | None,
        typer.Option(help="With --follow: keep the place in this file, and go on from there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print events, oldest first; with --follow for ever, reconnecting where needed."""

    async def use(client: Client) -> None:
        offsets = FileOffsets(keep) if keep else None
        found = client.events(after=since, types=kinds, job_id=job, follow=follow, offsets=offsets)
        async with aclosing(found) as items:
            async for item in items:
                terminal.item(item, as_json=as_json)

    calling.run(context, use)
