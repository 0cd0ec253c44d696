"""Commands for whoever looks after a running system."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson, Limit
from tidemill_client.wording import clock
from tidemill_contracts.queues import Queue

queues = typer.Typer(no_args_is_help=True, help="See, pause and resume queues.")

letters = typer.Typer(no_args_is_help=True, help="What nobody tries again by itself.")

LetterId = Annotated[UUID, typer.Argument(help="The letter's id.", metavar="LETTER")]
QueueName = Annotated[str, typer.Argument(help="The queue's name.", metavar="QUEUE")]
Everyone = Annotated[
    bool, typer.Option("--everyone", help="For all tenants; takes the system's administrator.")
]


@queues.command("list")
def listed(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the queues with what waits and runs in each."""
    _show(calling.run(context, Client.queues), as_json=as_json)


@queues.command()
def pause(
    context: typer.Context, queue: QueueName, *, everyone: Everyone = False, as_json: AsJson = False
) -> None:
    """Start nothing more in a queue; what runs goes on."""
    found = calling.run(context, lambda client: client.pause_queue(queue, everyone=everyone))
    _show([found], as_json=as_json)


@queues.command()
def resume(
    context: typer.Context, queue: QueueName, *, everyone: Everyone = False, as_json: AsJson = False
) -> None:
    """Let what waits in a queue start again."""
    found = calling.run(context, lambda client: client.resume_queue(queue, everyone=everyone))
    _show([found], as_json=as_json)


def workers(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the workers, live or not."""
    found = calling.run(context, Client.workers)
    if as_json:
        terminal.json_page(found)
    else:
        terminal.table(
            ["name", "live", "busy", "slots", "queues", "last seen"],
            [
                (
                    each.name,
                    "yes" if each.live else "no",
                    each.busy,
                    each.slots,
                    ", ".join(each.queues),
                    clock(each.last_seen_at),
                )
                for each in found
            ],
        )


def failures(
    context: typer.Context,
    since: Annotated[
        datetime | None, typer.Option(help="Not before this (local time); else 7 days ago.")
    ] = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List failed jobs by what they have in common."""
    moment = since.astimezone() if since else None
    found = calling.run(context, lambda client: client.failures(since=moment, limit=limit))
    if as_json:
        terminal.json_page(found)
    else:
        terminal.table(
            ["count", "processor", "code", "message", "last seen", "example"],
            [
                (
                    each.count,
                    each.processor,
                    each.code,
                    each.message,
                    clock(each.last_seen_at),
                    each.example_job_id,
                )
                for each in found
            ],
        )


@letters.command("list")
def listed_letters(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only these: job or message.")] = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List what nobody tries again by itself."""
    page = calling.run(context, lambda client: client.dead_letters(kind=kind, limit=limit))
    if as_json:
        terminal.json_page(page)
    else:
        terminal.table(
            ["id", "kind", "of", "reason"],
            [(each.id, each.kind, each.job_id or each.subject, each.reason) for each in page.items],
        )


@letters.command()
def show(context: typer.Context, letter: LetterId) -> None:
    """Show a letter with its body, as JSON."""
    terminal.json_page(calling.run(context, lambda client: client.dead_letter(letter)))


@letters.command()
def redrive(context: typer.Context, letter: LetterId) -> None:
    """Try it again: a job becomes a new one, an event is handed to its consumer."""
    made = calling.run(context, lambda client: client.redrive(letter))
    terminal.json_page(made)


@letters.command()
def discard(context: typer.Context, letter: LetterId) -> None:
    """Throw a letter away."""
    calling.run(context, lambda client: client.discard_dead_letter(letter))
    terminal.note(f"discarded {letter}")


def _show(found: list[Queue], *, as_json: bool) -> None:
    if as_json:
        terminal.json_page(found)
        return
    terminal.table(
        ["name", "paused", "blocked", "queued", "running", "retrying", "slots", "workers"],
        [
            (
                each.name,
                "for all" if each.paused_for_all else "yes" if each.paused else "no",
                each.blocked,
                each.queued,
                each.running,
                each.retrying,
                each.slots,
                each.workers,
            )
            for each in found
        ],
    )
