"""How a dataset's file is read: as somebody says, once more, and what came of it."""

from contextlib import aclosing
from typing import Any, Self

import msgspec
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands import findings
from tidemill_client.commands.options import AsJson, DatasetId, Reading
from tidemill_client.subscription import Item
from tidemill_client.wording import clock, progress, size
from tidemill_contracts import datasets
from tidemill_contracts.datasets import Dataset, DatasetStatus, IngestOptions
from tidemill_contracts.stream import Progressed


def options(said: list[str]) -> IngestOptions:
    """`header=false` sets an option, `types.born=date` the type of a column."""
    found: dict[str, Any] = {}
    for each in said:
        key, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each!r} is not KEY=VALUE", param_hint="--read")
        if key.startswith("types."):
            found.setdefault("types", {})[key.removeprefix("types.")] = value
        else:
            found[key] = value
    try:
        return msgspec.convert(found, IngestOptions, strict=False)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error), param_hint="--read") from error


def ingest(
    context: typer.Context, dataset: DatasetId, read: Reading = None, *, as_json: AsJson = False
) -> None:
    """Read a dataset's uploaded bytes again, as --read says; wait until that has ended.

    Until then the dataset keeps its table, and jobs over it wait. Exit 1 with the reason if the
    bytes cannot be read so: the former table stays, or without one the dataset is rejected.
    """
    wanted = options(read or [])

    async def use(client: Client) -> Dataset:
        asked = await client.ingest_again(dataset, wanted)
        with _Watched(visible=not as_json) as watched:
            async with aclosing(client.follow_dataset(asked)) as items:
                async for item in items:
                    watched.show(item)
        return await client.wait_dataset(asked.id)

    found = calling.run(context, use)
    show(found, as_json=as_json)
    if error := why_not(found):
        stays = "; the former table stays" if found.status is DatasetStatus.READY else ""
        terminal.note(f"tidemill: not read: {error.code}: {error.message}{stays}")
    if error or found.status is not DatasetStatus.READY:
        raise typer.Exit(1)


def why_not(dataset: Dataset) -> datasets.DatasetError | None:
    """Why its bytes could not be read the last time; None where they could."""
    if isinstance(dataset.reading, datasets.Reading):
        return dataset.reading.error or None
    return dataset.error or None


def show(dataset: Dataset, *, as_json: bool) -> None:
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
        *findings.facts(dataset),
    ]
    if dataset.error:
        facts.append(("error", f"{dataset.error.code}: {dataset.error.message}"))
    if isinstance(dataset.reading, datasets.Reading):
        facts.append(("read again", _told(dataset.reading)))
    terminal.table(["dataset", ""], [fact for fact in facts if fact[1] is not None])
    if dataset.columns:
        rows = [(each.name, each.type, each.nulls) for each in dataset.columns]
        terminal.table(["column", "type", "nulls"], rows)


def _told(reading: datasets.Reading) -> str:
    """What is being tried, or what became of it."""
    said = msgspec.json.encode(reading.options).decode()
    if not reading.error:
        return f"since {clock(reading.begun_at)} by job {reading.job_id}, as {said}"
    when = clock(reading.ended_at or reading.begun_at)
    return f"failed at {when}, as {said}: {reading.error.code}: {reading.error.message}"


class _Watched:
    """How far a reading is, on stderr: a bar on a terminal, lines in a pipe."""

    def __init__(self, *, visible: bool) -> None:
        screen = terminal.screen(notes=True)
        self._lines = visible and not screen.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        hidden = not visible or self._lines
        self._bars = Progress(*columns, console=screen, transient=True, disable=hidden)
        self._bar = self._bars.add_task("it is read", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, item: Item) -> None:
        if self._lines:
            terminal.note(terminal.line(item))
        elif isinstance(item, Progressed):
            now = item.progress
            words = progress(now)
            self._bars.update(self._bar, description=words, completed=now.done, total=now.total)
