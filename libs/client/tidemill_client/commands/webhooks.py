"""Commands for webhooks."""

from typing import Annotated
from uuid import UUID

import typer

from tidemill_client import calling, terminal
from tidemill_client.commands.options import AsJson, Limit
from tidemill_client.webhooks import WebhookChanges
from tidemill_contracts.webhooks import Delivery, Webhook

app = typer.Typer(no_args_is_help=True, help="Say where events are sent, and see how they arrive.")

WebhookId = Annotated[UUID, typer.Argument(help="The webhook's id.", metavar="WEBHOOK")]
Url = Annotated[str, typer.Argument(help="Where to send events, as https://….")]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only these types, such as job.succeeded or job.*; may repeat."),
]
Description = Annotated[str | None, typer.Option(help="A note for people.")]


@app.command()
def create(
    context: typer.Context,
    url: Url,
    types: Types = None,
    description: Description = None,
    after: Annotated[
        str, typer.Option(help="From where on: now, start or a cursor of the log.")
    ] = "now",
) -> None:
    """Send events to an address; prints the webhook with its secret, which is shown this once."""
    made = calling.run(
        context,
        lambda client: client.create_webhook(
            url, types=types, description=description or "", after=after
        ),
    )
    terminal.json_page(made)


@app.command("list")
def listed(context: typer.Context, limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List the webhooks, newest first."""
    page = calling.run(context, lambda client: client.webhooks(limit=limit))
    if as_json:
        terminal.json_page(page)
        return
    terminal.table(
        ["id", "url", "types", "state", "waiting"],
        [
            (
                each.id,
                each.url,
                "all" if each.types is None else ", ".join(each.types),
                _state(each),
                each.pending,
            )
            for each in page.items
        ],
    )


@app.command()
def show(context: typer.Context, webhook: WebhookId) -> None:
    """Show a webhook and how it is doing, as JSON."""
    terminal.json_page(calling.run(context, lambda client: client.webhook(webhook)))


@app.command()
def update(
    context: typer.Context,
    webhook: WebhookId,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    types: Types = None,
    description: Description = None,
    *,
    all_types: Annotated[bool, typer.Option("--all-types", help="All types again.")] = False,
    enabled: Annotated[
        bool | None,
        typer.Option("--enable/--disable", help="Go on where it stopped, or send nothing more."),
    ] = None,
) -> None:
    """Change what is given, and leave the rest."""
    changes = WebhookChanges()
    if url is not None:
        changes["url"] = url
    if types is not None or all_types:
        changes["types"] = types
    if description is not None:
        changes["description"] = description
    if enabled is not None:
        changes["enabled"] = enabled
    if not changes:
        raise typer.BadParameter("nothing to change")
    terminal.json_page(
        calling.run(context, lambda client: client.change_webhook(webhook, **changes))
    )


@app.command()
def delete(context: typer.Context, webhook: WebhookId) -> None:
    """Delete a webhook; what waited is not sent."""
    calling.run(context, lambda client: client.delete_webhook(webhook))
    terminal.note(f"deleted {webhook}")


@app.command()
def deliveries(
    context: typer.Context,
    webhook: WebhookId,
    status: Annotated[
        str | None, typer.Option(help="Only these: pending, delivered or failed.")
    ] = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List what was sent and what waits, newest first."""
    page = calling.run(
        context, lambda client: client.deliveries(webhook, status=status, limit=limit)
    )
    if as_json:
        terminal.json_page(page)
        return
    terminal.table(
        ["cursor", "type", "event", "status", "tries", "answer"],
        [
            (each.cursor, each.type, each.event_id, each.status, len(each.attempts), _answer(each))
            for each in page.items
        ],
    )


@app.command()
def replay(
    context: typer.Context,
    webhook: WebhookId,
    after: Annotated[str, typer.Option(help="A cursor, or start for all that is kept.")],
) -> None:
    """Send again what came after a cursor; receivers know repetitions by their webhook-id."""
    found = calling.run(context, lambda client: client.replay_webhook(webhook, after))
    terminal.note(f"{found.url} gets what came after {after}")


@app.command()
def rotate(
    context: typer.Context,
    webhook: WebhookId,
    keep: Annotated[
        int, typer.Option(min=0, max=604_800, help="Seconds for which the old secret signs, too.")
    ] = 86_400,
) -> None:
    """Make a new secret and print it, this once."""
    made = calling.run(context, lambda client: client.rotate_secret(webhook, keep_s=keep))
    terminal.json_page(made)


@app.command()
def test(context: typer.Context, webhook: WebhookId) -> None:
    """Send one webhook.test now and show what the receiver answers."""
    terminal.json_page(calling.run(context, lambda client: client.test_webhook(webhook)))


def _state(webhook: Webhook) -> str:
    if not webhook.enabled:
        return f"disabled: {webhook.disabled_reason}" if webhook.disabled_reason else "disabled"
    return "failing" if webhook.failing_since else "enabled"


def _answer(delivery: Delivery) -> str:
    last = delivery.attempts[-1] if delivery.attempts else None
    return "" if last is None else str(last.status_code or last.error)
