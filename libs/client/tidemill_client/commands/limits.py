"""What is held of what is limited, and the collection of what nobody needs."""

import asyncio
from typing import Annotated

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson
from tidemill_client.wording import size
from tidemill_contracts.collection import Collection
from tidemill_contracts.usage import Amount

LOOK_S = 0.3


def usage(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what your tenant has, and how much it may have."""
    found = calling.run(context, Client.usage)
    if as_json:
        terminal.json_page(found)
        return
    counts = [
        ("datasets", found.datasets),
        ("open uploads", found.open_uploads),
        ("open jobs", found.open_jobs or Amount(0)),
    ]
    stored = found.storage_bytes
    rows = [("storage", size(stored.used), size(stored.limit or 0))]
    rows += [(name, str(each.used), str(each.limit or "")) for name, each in counts]
    terminal.table(["of", "used", "limit"], rows)


def gc(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove stored objects that nobody needs any more; for the system's administrator."""

    async def use(client: Client) -> Collection:
        report = await client.collect(dry_run=dry_run)
        while report.finished_at is None:
            await asyncio.sleep(LOOK_S)
            report = await client.collection(report.id)
        return report

    report = calling.run(context, use)
    if as_json:
        terminal.json_page(report)
    else:
        rows = [(kind, heap.count, size(heap.size_bytes)) for kind, heap in report.found.items()]
        terminal.table(["would go" if dry_run else "went", "how many", "size"], rows)
    if report.error:
        terminal.note(f"it could not end: {report.error}")
        raise typer.Exit(1)
