"""Datasets: upload, list, show, fetch."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from msgspec import Struct
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands import findings, lineages, reading
from tidemill_client.commands.options import (
    After,
    AsJson,
    Before,
    DatasetId,
    HasLabels,
    Labels,
    Limit,
    Parallel,
    Reading,
)
from tidemill_client.datasets import DatasetFields
from tidemill_client.partwise import PARALLEL
from tidemill_client.uploads import ProgressHook
from tidemill_client.wording import size
from tidemill_contracts.datasets import Dataset, DatasetStatus, IngestOptions

app = typer.Typer(no_args_is_help=True, help="Upload, list and fetch datasets.")


@app.command()
def upload(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="What to upload.", metavar="FILE..."
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Its name; else the file's.")] = None,
    label: Labels = None,
    read: Reading = None,
    parallel: Parallel = PARALLEL,
    *,
    in_parts: Annotated[
        bool | None,
        typer.Option("--in-parts/--in-one", help="In parts; else from 64 MiB on."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait until it is ready; exit 1 if it is rejected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload files: CSV, JSON, NDJSON or Parquet, also compressed; the content decides.

    A large file goes in parts. If that was broken off, the same command goes on where it was.
    """
    if name is not None and len(files) > 1:
        raise typer.BadParameter("one name for one file", param_hint="--name")
    labels, options, rejected = calling.labels(label), reading.options(read or []), False
    for file in files:
        call = _Sending(file, name, labels, options, parallel, in_parts, follow)
        dataset = calling.run(context, call.run)
        reading.show(dataset, as_json=as_json)
        rejected = rejected or dataset.status is DatasetStatus.REJECTED
    if rejected:
        raise typer.Exit(1)


class _Sending(Struct, frozen=True):
    """One file on its way."""

    file: Path
    name: str | None
    labels: dict[str, str]
    options: IngestOptions
    parallel: int
    in_parts: bool | None
    follow: bool

    async def run(self, client: Client) -> Dataset:
        with bar(self.file.name) as hook:
            dataset = await client.upload(
                self.file,
                self.name,
                labels=self.labels,
                options=self.options,
                progress=hook,
                in_parts=self.in_parts,
                parallel=self.parallel,
            )
        return await client.wait_dataset(dataset.id) if self.follow else dataset


@app.command("list")
def newest(
    context: typer.Context,
    limit: Limit = 50,
    name: Annotated[str | None, typer.Option(help="Only those with this in their name.")] = None,
    status: Annotated[
        DatasetStatus | None,
        typer.Option(help="Only those with this status; `deleted` shows the trash."),
    ] = None,
    form: Annotated[str | None, typer.Option("--format", help="Only those of this format.")] = None,
    label: HasLabels = None,
    after: After = None,
    before: Before = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List datasets, the newest first."""
    given: dict[str, Any] = {
        "name": name,
        "status": status,
        "format": form,
        "labels": calling.labels(label) or None,
        "created_after": after and after.astimezone(),
        "created_before": before and before.astimezone(),
    }
    wanted = cast("DatasetFields", {key: each for key, each in given.items() if each is not None})
    page = calling.run(context, lambda client: client.datasets(limit=limit, **wanted))
    if as_json:
        terminal.json_page(page)
        return
    rows = [
        (each.id, each.name, each.status, each.format, each.rows, size(each.size_bytes or 0))
        for each in page.items
    ]
    terminal.table(["id", "name", "status", "format", "rows", "size"], rows)


@app.command()
def change(
    context: typer.Context,
    dataset: DatasetId,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    label: Labels = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a dataset another name, or other labels instead of those it has."""
    labels = calling.labels(label) if label else None
    found = calling.run(
        context, lambda client: client.change_dataset(dataset, name=name, labels=labels)
    )
    reading.show(found, as_json=as_json)


@app.command()
def restore(context: typer.Context, dataset: DatasetId, *, as_json: AsJson = False) -> None:
    """Take a dataset out of the trash."""
    found = calling.run(context, lambda client: client.restore_dataset(dataset))
    reading.show(found, as_json=as_json)


app.command()(reading.ingest)


@app.command()
def show(context: typer.Context, dataset: DatasetId, *, as_json: AsJson = False) -> None:
    """Show a dataset, its columns, and how it was read."""
    reading.show(calling.run(context, lambda client: client.dataset(dataset)), as_json=as_json)


@app.command()
def wait(context: typer.Context, dataset: DatasetId, *, as_json: AsJson = False) -> None:
    """Wait until a dataset is ready; exit 1 if it is rejected."""
    found = calling.run(context, lambda client: client.wait_dataset(dataset))
    reading.show(found, as_json=as_json)
    if found.status is not DatasetStatus.READY:
        raise typer.Exit(1)


@app.command()
def get(
    context: typer.Context,
    dataset: DatasetId,
    to: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, json, ndjson or parquet; else as uploaded."),
    ] = None,
    *,
    safe: Annotated[
        bool, typer.Option("--safe", help="In CSV, no text is a formula to a spreadsheet.")
    ] = False,
) -> None:
    """Write a dataset to a file."""

    async def use(client: Client) -> None:
        known = None if form else (await client.dataset(dataset)).sha256
        await client.content(dataset, format=form, safe=safe).save(to, sha256=known)

    calling.run(context, use)
    terminal.note(f"wrote {to}")


app.command("preview")(findings.preview)
app.command("profile")(findings.profile)
app.command("rejects")(findings.rejects)
app.command("lineage")(lineages.of_dataset)


@app.command()
def delete(
    context: typer.Context,
    dataset: DatasetId,
    *,
    purge: Annotated[bool, typer.Option("--purge", help="For good, not into the trash.")] = False,
) -> None:
    """Put a dataset into the trash, from where it can be restored for some days."""
    calling.run(context, lambda client: client.delete_dataset(dataset, purge=purge))
    terminal.note(f"deleted {dataset}")


@contextmanager
def bar(name: str) -> Generator[ProgressHook]:
    """A bar on a terminal's stderr; nothing in a pipe."""
    words = TextColumn("{task.description}", markup=False)
    columns = (words, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    screen, shown = terminal.screen(notes=True), terminal.harmless(name)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bars:
        bar = bars.add_task(shown, total=None)

        def told(done: int, total: int | None) -> None:
            checked = f"{shown}, being checked" if done == total else shown
            bars.update(bar, completed=done, total=total, description=checked)

        yield told
