"""What reading found in a dataset: how it was read, first rows, figures, rows left out."""

from typing import Any

import msgspec
import typer
from msgspec import UNSET

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson, DatasetId, Limit
from tidemill_client.wording import shortened
from tidemill_contracts.datasets import Dataset, Detected

FIGURES = ("name", "type", "null_percent", "distinct", "min", "mean", "max")
REJECT = ("row", "column", "code", "raw")


def preview(
    context: typer.Context, dataset: DatasetId, limit: Limit = 10, *, as_json: AsJson = False
) -> None:
    """Show a dataset's first rows, a hundred at most."""
    found = calling.run(context, lambda client: client.preview(dataset))
    if as_json:
        terminal.json_page(found)
        return
    rows = [[_cell(row.get(name)) for name in found["columns"]] for row in found["rows"]]
    terminal.table(found["columns"], rows[:limit])


def profile(context: typer.Context, dataset: DatasetId, *, as_json: AsJson = False) -> None:
    """Show figures of a dataset's columns; --json has all of them."""
    found = calling.run(context, lambda client: client.profile(dataset))
    if as_json:
        terminal.json_page(found)
        return
    rows = [[_cell(column.get(each)) for each in FIGURES] for column in found["columns"]]
    terminal.table(["column", "type", "null %", *FIGURES[3:]], rows)


def rejects(
    context: typer.Context, dataset: DatasetId, limit: Limit = 50, *, as_json: AsJson = False
) -> None:
    """Show what of a dataset could not be used, and why; --json prints all of it, line by line."""

    async def use(client: Client) -> bytes:
        return b"".join([piece async for piece in client.rejects(dataset).pieces()])

    lines = calling.run(context, use).splitlines()
    if as_json:
        for line in lines:
            typer.echo(line)
        return
    found: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines[:limit]]
    terminal.table(REJECT, [[_cell(each.get(name)) for name in REJECT] for each in found])
    if len(lines) > limit:
        terminal.note(f"{len(lines) - limit} more")


def facts(dataset: Dataset) -> list[tuple[str, object]]:
    """What a person should know of how it was read, above all what is not in it."""
    labels = ", ".join(f"{key}={value}" for key, value in dataset.labels.items())
    told: list[tuple[str, object]] = [("labels", labels)] if labels else []
    if dataset.deduplicated_from is not UNSET:
        told.append(("bytes of", dataset.deduplicated_from))
    return told + (_read(dataset.detected) if dataset.detected is not UNSET else [])


def _read(detected: Detected) -> list[tuple[str, object]]:
    header = {True: "header", False: "no header", None: None}[detected.header]
    delimiter = detected.delimiter and f"delimiter {detected.delimiter!r}"
    skipped = f"{detected.skip} lines skipped" if detected.skip else None
    decimal = "decimal comma" if detected.decimal == "," else None
    words = [detected.compression, detected.encoding, delimiter, skipped, header, decimal]
    told: list[tuple[str, object]] = [("read as", ", ".join(each for each in words if each))]
    for what, count in (("rows left out", detected.rejects), ("values nulled", detected.nulled)):
        if count:
            told.append((what, f"{count}; `tidemill datasets rejects` shows them"))
    if detected.evolved:
        told.append(("not as asked", ", ".join(detected.evolved)))
    return [fact for fact in told if fact[1]]


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value and shortened(value)
    return f"{value:.6g}" if isinstance(value, float) else shortened(_json(value))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
