"""Uploads in parts that are under way."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.datasets import bar
from tidemill_client.commands.options import AsJson, Limit, Parallel
from tidemill_client.partwise import PARALLEL
from tidemill_client.wording import minute, size
from tidemill_contracts.datasets import Dataset

app = typer.Typer(no_args_is_help=True, help="See, go on with and give up uploads in parts.")

UploadId = Annotated[UUID, typer.Argument(help="The upload's id.", metavar="UPLOAD")]


@app.command("list")
def open_ones(context: typer.Context, limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List the uploads that are not complete, the newest first."""
    page = calling.run(context, lambda client: client.uploads(limit=limit))
    if as_json:
        terminal.json_page(page)
        return
    rows = [
        (
            each.id,
            each.name,
            size(each.size_bytes),
            minute(each.expires_at),
        )
        for each in page.items
    ]
    terminal.table(["id", "name", "size", "expires"], rows)


@app.command()
def resume(
    context: typer.Context,
    upload: UploadId,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="The file.", metavar="FILE"
        ),
    ],
    parallel: Parallel = PARALLEL,
    *,
    as_json: AsJson = False,
) -> None:
    """Send what is missing of an upload, from this file."""

    async def use(client: Client) -> Dataset:
        with bar(file.name) as hook:
            return await client.upload_in_parts(
                file, upload_id=upload, parallel=parallel, progress=hook
            )

    dataset = calling.run(context, use)
    if as_json:
        terminal.json_page(dataset)
    else:
        terminal.note(f"uploaded {dataset.name} as {dataset.id}")


@app.command()
def abort(context: typer.Context, upload: UploadId) -> None:
    """Give an upload up, with the parts that came."""
    calling.run(context, lambda client: client.abort_upload(upload))
    terminal.note(f"gave up {upload}")
