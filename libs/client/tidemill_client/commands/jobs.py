"""Jobs: submit, list, show, cancel, events, results."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands import batches, lineages, options, playing, watching
from tidemill_client.commands.options import AsJson, JobId, Limit
from tidemill_client.wording import clock
from tidemill_contracts.bulk import BulkOp, JobFilter
from tidemill_contracts.jobs import Job, StepSpec, SubmitJob

app = typer.Typer(no_args_is_help=True, help="Submit, follow and cancel jobs.")


@app.command()
def submit(
    context: typer.Context,
    *,
    processor: options.Processor = None,
    params: options.Params = None,
    steps: options.Steps = None,
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
    logs: options.Lines = False,
    as_json: AsJson = False,
) -> None:
    """Submit a job: one processor or a list of steps, on a dataset, a value or nothing."""
    order = SubmitJob(
        processor=processor,
        params=calling.json_value(params, dict[str, Any], option="--params") if params else None,
        steps=_steps(steps) if steps else None,
        dataset_id=dataset,
        value=calling.json_value(value, Any, option="--value") if value else None,
        queue=queue,
        priority=priority,
        labels=calling.labels(label),
        run_at=run_at.astimezone() if run_at else None,
        concurrency_key=concurrency_key,
    )
    watching.submitted(
        context,
        lambda client: client.submit(order, idempotency_key=key),
        watching.Watch(wait=wait, follow=follow, as_json=as_json, lines=logs),
    )


app.command()(batches.batch)
app.command("lineage")(lineages.of_job)
app.command("save-result")(lineages.save_result)


@app.command("list")
def newest(
    context: typer.Context,
    *,
    status: options.Statuses = None,
    processor: options.Runs = None,
    label: options.HasLabels = None,
    queue: options.InQueue = None,
    pipeline: options.OfPipeline = None,
    retry_of: options.RetryOf = None,
    created_after: options.After = None,
    created_before: options.Before = None,
    system: options.System = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    wanted = JobFilter(
        status=status or [],
        processor=processor,
        labels=calling.labels(label),
        queue=queue,
        pipeline=pipeline,
        retry_of=retry_of,
        created_after=created_after.astimezone() if created_after else None,
        created_before=created_before.astimezone() if created_before else None,
        system=system,
    )
    page = calling.run(context, lambda client: client.jobs(wanted, limit=limit))
    if as_json:
        terminal.json_page(page)
    else:
        _table(page.items)


@app.command()
def show(
    context: typer.Context, job: JobId, *, at: options.At = None, as_json: AsJson = False
) -> None:
    """Show a job and its steps, as they are or as they were."""
    watching.show(calling.run(context, lambda client: client.job(job, at=at)), as_json=as_json)


app.command()(playing.replay)


@app.command()
def cancel(
    context: typer.Context,
    job: JobId,
    reason: Annotated[str | None, typer.Option(help="Why; kept with the job.")] = None,
    grace: Annotated[
        float, typer.Option(min=0, max=300, help="Seconds it has to end by itself.")
    ] = 10.0,
    *,
    as_json: AsJson = False,
) -> None:
    """Cancel a job."""
    found = calling.run(context, lambda client: client.cancel(job, reason=reason, grace_s=grace))
    watching.show(found, as_json=as_json)


@app.command()
def retry(
    context: typer.Context,
    job: JobId,
    *,
    from_step: Annotated[
        str | None, typer.Option(help="Run from this step on; use what the steps before it gave.")
    ] = None,
    params: Annotated[
        str | None, typer.Option(help='Other parameters, as JSON: {"step": {…}}.')
    ] = None,
    key: options.Key = None,
    wait: options.Wait = False,
    follow: options.Follow = False,
    as_json: AsJson = False,
) -> None:
    """Run a job that ended again, as a new job."""
    kind = dict[str, dict[str, Any]]
    changed = calling.json_value(params, kind, option="--params") if params else None
    watching.submitted(
        context,
        lambda client: client.retry(job, from_step=from_step, params=changed, idempotency_key=key),
        watching.Watch(wait=wait, follow=follow, as_json=as_json),
    )


@app.command()
def bulk(
    context: typer.Context,
    op: Annotated[BulkOp, typer.Argument(help="What to do with them.")],
    *,
    status: options.Statuses = None,
    processor: options.Runs = None,
    label: options.HasLabels = None,
    queue: options.InQueue = None,
    pipeline: options.OfPipeline = None,
    created_after: options.After = None,
    created_before: options.Before = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it they are counted.")] = False,
) -> None:
    """Cancel, retry or delete all jobs that fit; says how many it would be, unless --yes."""
    wanted = JobFilter(
        status=status or [],
        processor=processor,
        labels=calling.labels(label),
        queue=queue,
        pipeline=pipeline,
        created_after=created_after.astimezone() if created_after else None,
        created_before=created_before.astimezone() if created_before else None,
    )
    done = calling.run(context, lambda client: client.bulk(op, wanted, dry_run=not yes))
    terminal.json_page(done)


@app.command()
def delete(context: typer.Context, job: JobId) -> None:
    """Delete a job that has ended, with its results."""
    calling.run(context, lambda client: client.delete_job(job))
    terminal.note(f"deleted {job}")


@app.command()
def wait(
    context: typer.Context,
    job: JobId,
    *,
    follow: options.Follow = False,
    logs: options.Lines = False,
    as_json: AsJson = False,
) -> None:
    """Wait for a job; exit 0 if it succeeded, 1 if it failed, 2 if it was cancelled or expired."""
    watch = watching.Watch(wait=True, follow=follow, as_json=as_json, lines=logs)
    watching.submitted(context, lambda client: client.job(job), watch)


@app.command()
def attempts(context: typer.Context, job: JobId, *, as_json: AsJson = False) -> None:
    """List a job's attempts: worker, duration, how each ended."""
    found = calling.run(context, lambda client: client.attempts(job))
    if as_json:
        terminal.json_page(found)
        return
    rows = [
        (
            each.attempt,
            each.worker,
            each.duration_s,
            each.outcome,
            each.error and each.error.message,
        )
        for each in found
    ]
    terminal.table(["attempt", "worker", "seconds", "outcome", "error"], rows)


@app.command()
def events(context: typer.Context, job: JobId, *, as_json: AsJson = False) -> None:
    """List a job's events, oldest first."""
    for event in calling.run(context, lambda client: client.job_events(job)):
        if as_json:
            terminal.json_line(event.body)
        else:
            terminal.item(event, as_json=False)


@app.command()
def result(
    context: typer.Context,
    job: JobId,
    step: Annotated[str | None, typer.Option(help="That of this step, not of the job.")] = None,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", dir_okay=False, help="Write it to this file.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="A table as csv, json, ndjson or parquet.")
    ] = None,
) -> None:
    """Print a job's value as JSON, or fetch its table."""

    async def use(client: Client) -> Any:
        output = client.output(job, step=step, format=form)
        return await output.save(to) if to else await output.value()

    found = calling.run(context, use)
    if to:
        terminal.note(f"wrote {to}")
    elif isinstance(found, bytes):
        typer.get_binary_stream("stdout").write(found)
    else:
        terminal.json_page(found)


def _steps(text: str) -> list[StepSpec]:
    return calling.json_value(calling.json_or_file(text), list[StepSpec], option="--steps")


def _table(jobs: list[Job]) -> None:
    terminal.table(
        ["id", "status", "steps", "created"],
        [
            (
                job.id,
                job.status,
                " → ".join(step.name for step in job.steps),
                clock(job.created_at),
            )
            for job in jobs
        ],
    )
