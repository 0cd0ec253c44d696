"""Lineage: what came from what, and results that become datasets."""

from typing import Annotated

import typer

from tidemill_client import calling, terminal
from tidemill_client.commands import options
from tidemill_client.commands.options import AsJson, DatasetId, JobId
from tidemill_contracts.lineage import Lineage


def of_dataset(
    context: typer.Context,
    dataset: DatasetId,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a dataset was made of, and what was made of it."""
    found = calling.run(context, lambda client: client.dataset_lineage(dataset))
    _show(found, as_json=as_json)


def of_job(context: typer.Context, job: JobId, *, as_json: AsJson = False) -> None:
    """Show what a job read, and what was made of its result."""
    _show(calling.run(context, lambda client: client.job_lineage(job)), as_json=as_json)


def save_result(
    context: typer.Context,
    job: JobId,
    name: Annotated[str, typer.Argument(help="The dataset's name.")],
    *,
    label: options.Labels = None,
    key: options.Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a dataset of the frame that a job gave."""
    labels = calling.labels(label)
    dataset = calling.run(
        context,
        lambda client: client.save_result(job, name, labels=labels, idempotency_key=key),
    )
    if as_json:
        terminal.json_page(dataset)
    else:
        terminal.table(["dataset", "name", "status"], [(dataset.id, dataset.name, dataset.status)])


def _show(found: Lineage, *, as_json: bool) -> None:
    if as_json:
        terminal.json_page(found)
        return
    rows = [
        (each.id, "dataset", each.name, each.status, each.origin.job_id if each.origin else None)
        for each in found.datasets
    ] + [
        (each.id, "job", each.pipeline or ", ".join(each.processors), each.status, each.dataset_id)
        for each in found.jobs
    ]
    terminal.table(
        ["id", "what", "name", "status", "made of"], sorted(rows, key=lambda row: row[0])
    )
    if not found.complete:
        terminal.note("there is more than this")
