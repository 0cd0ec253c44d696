"""Stored pipelines and the processors they are made of."""

from typing import Annotated, Any

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands import options, watching
from tidemill_client.commands.options import AsJson
from tidemill_contracts.jobs import RunPipeline

app = typer.Typer(no_args_is_help=True, help="List and run stored pipelines.")


@app.command("list")
def known(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the stored pipelines."""
    found = calling.run(context, Client.pipelines)
    if as_json:
        terminal.json_page(found)
    else:
        terminal.table(
            ["name", "steps", "summary"],
            [
                (each.name, " → ".join(step.processor for step in each.steps), each.summary)
                for each in found
            ],
        )


@app.command("run")
def run_one(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The pipeline's name.", metavar="PIPELINE")],
    *,
    dataset: options.Dataset = None,
    value: options.Value = None,
    queue: options.Queue = None,
    priority: options.Priority = 4,
    label: options.Labels = None,
    run_at: options.RunAt = None,
    concurrency_key: options.Concurrency = None,
    key: options.Key = None,
    wait: options.Wait = False,
    follow: options.Follow = False,
    as_json: AsJson = False,
) -> None:
    """Run a stored pipeline on a dataset, a value or nothing."""
    order = RunPipeline(
        value=calling.json_value(value, Any, option="--value") if value else None,
        dataset_id=dataset,
        queue=queue,
        priority=priority,
        labels=calling.labels(label),
        run_at=run_at.astimezone() if run_at else None,
        concurrency_key=concurrency_key,
    )
    watching.submitted(
        context,
        lambda client: client.run_pipeline(name, order, idempotency_key=key),
        watching.Watch(wait=wait, follow=follow, as_json=as_json),
    )


def processors(
    context: typer.Context,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those for the system and for diagnosis.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the processors that workers have announced."""
    found = calling.run(context, Client.processors)
    shown = [each for each in found if everything or not (each.hidden or each.system)]
    if as_json:
        terminal.json_page(shown)
    else:
        terminal.table(
            ["name", "takes", "returns", "summary"],
            [(each.name, each.takes, each.returns, each.summary) for each in shown],
        )
