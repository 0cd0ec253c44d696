"""Datasets: upload, list, show, fetch."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands import lineages
from tidemill_client.commands.options import AsJson, Labels, Limit
from tidemill_client.uploads import ProgressHook
from tidemill_client.wording import size
from tidemill_contracts.datasets import Dataset, DatasetStatus

app = typer.Typer(no_args_is_help=True, help="Upload, list and fetch datasets.")

DatasetId = Annotated[UUID, typer.Argument(help="The dataset's id.", metavar="DATASET")]


@app.command()
def upload(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="What to upload.")
    ],
    name: Annotated[str | None, typer.Option(help="Its name; else the file's.")] = None,
    label: Labels = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait until it is ready; exit 1 if it is rejected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a file: CSV, JSON, NDJSON or Parquet, also compressed; the content decides."""
    labels = calling.labels(label)

    async def use(client: Client) -> Dataset:
        with _bar(file.name) as hook:
            dataset = await client.upload(file, name, labels=labels, progress=hook)
        return await client.wait_dataset(dataset.id) if follow else dataset

    dataset = calling.run(context, use)
    _show(dataset, as_json=as_json)
    if dataset.status is DatasetStatus.REJECTED:
        raise typer.Exit(1)


@app.command("list")
def newest(context: typer.Context, limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List datasets, the newest first."""
    page = calling.run(context, lambda client: client.datasets(limit=limit))
    if as_json:
        terminal.json_page(page)
    else:
        terminal.table(
            ["id", "name", "status", "format", "rows", "size"],
            [
                (
                    each.id,
                    each.name,
                    each.status,
                    each.format,
                    each.rows,
                    size(each.size_bytes or 0),
                )
                for each in page.items
            ],
        )


@app.command()
def show(context: typer.Context, dataset: DatasetId, *, as_json: AsJson = False) -> None:
    """Show a dataset and its columns."""
    _show(calling.run(context, lambda client: client.dataset(dataset)), as_json=as_json)


@app.command()
def wait(context: typer.Context, dataset: DatasetId, *, as_json: AsJson = False) -> None:
    """Wait until a dataset is ready; exit 1 if it is rejected."""
    found = calling.run(context, lambda client: client.wait_dataset(dataset))
    _show(found, as_json=as_json)
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


app.command("lineage")(lineages.of_dataset)


@app.command()
def delete(context: typer.Context, dataset: DatasetId) -> None:
    """Delete a dataset."""
    calling.run(context, lambda client: client.delete_dataset(dataset))
    terminal.note(f"deleted {dataset}")


def _show(dataset: Dataset, *, as_json: bool) -> None:
    if as_json:
        terminal.json_page(dataset)
        return
    facts = [
        ("id", dataset.id),
        ("name", dataset.name),
        ("status", dataset.status),
        ("format", dataset.format),
        ("size", size(dataset.size_bytes or 0)),
        ("rows", dataset.rows),
        ("sha256", dataset.sha256),
    ]
    if dataset.error:
        facts.append(("error", f"{dataset.error.code}: {dataset.error.message}"))
    terminal.table(["dataset", ""], [fact for fact in facts if fact[1] is not None])
    if dataset.columns:
        rows = [(each.name, each.type, each.nulls) for each in dataset.columns]
        terminal.table(["column", "type", "nulls"], rows)


@contextmanager
def _bar(name: str) -> Generator[ProgressHook]:
    """A bar on a terminal's stderr; nothing in a pipe."""
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    screen = terminal.screen(notes=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bars:
        bar = bars.add_task(name)
        yield lambda done, total: bars.update(bar, completed=done, total=total)
