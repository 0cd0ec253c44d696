"""Jobs that are submitted by the clock."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from msgspec.structs import replace

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands import options
from tidemill_client.commands.options import AsJson, Limit
from tidemill_client.wording import clock
from tidemill_contracts.jobs import StepSpec, SubmitJob
from tidemill_contracts.schedules import MakeSchedule, Overlap, Schedule

app = typer.Typer(no_args_is_help=True, help="Submit jobs by the clock.")

ScheduleId = Annotated[UUID, typer.Argument(help="The schedule's id.", metavar="SCHEDULE")]
Cron = Annotated[
    str | None, typer.Option(help="Five fields, or six with seconds first: '0 8 * * MON-FRI'.")
]
Zone = Annotated[str, typer.Option("--time-zone", help="Whose clocks --cron goes by.")]
Every = Annotated[int | None, typer.Option(min=1, help="Every so many seconds.")]
WhileOneGoesOn = Annotated[
    Overlap, typer.Option("--overlap", help="While the job of the time before goes on.")
]
CatchUp = Annotated[
    int, typer.Option("--catch-up", min=0, max=604_800, help="Seconds a time may be late.")
]
Jitter = Annotated[int, typer.Option(min=0, max=3600, help="Up to so many seconds later.")]
PauseOnFailure = Annotated[
    int | None,
    typer.Option("--pause-on-failure", min=1, help="Pause after so many failures in a row."),
]
Count = Annotated[int, typer.Option("--count", "-n", min=1, max=100, help="So many times.")]


@app.command("list")
def listed(context: typer.Context, limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List the schedules with their next times and last runs."""
    page = calling.run(context, lambda client: client.schedules(limit=limit))
    if as_json:
        terminal.json_page(page)
        return
    terminal.table(
        ["id", "name", "when", "next", "last", "came to"],
        [
            (
                each.id,
                each.name,
                f"{each.cron} {each.time_zone}" if each.cron else f"every {each.every} s",
                _next(each),
                clock(each.last_run.at) if each.last_run else "",
                _last(each),
            )
            for each in page.items
        ],
    )


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The schedule's name.")],
    *,
    cron: Cron = None,
    time_zone: Zone = "UTC",
    every: Every = None,
    overlap: WhileOneGoesOn = Overlap.SKIP,
    catch_up: CatchUp = 600,
    jitter: Jitter = 0,
    pause_on_failure: PauseOnFailure = None,
    processor: options.Processor = None,
    params: options.Params = None,
    steps: options.Steps = None,
    dataset: options.Dataset = None,
    value: options.Value = None,
    queue: options.Queue = None,
    label: options.Labels = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job at the times of --cron or --every."""
    job = _job(processor, params, steps, value)
    job = replace(job, dataset_id=dataset, queue=queue, labels=calling.labels(label))
    order = MakeSchedule(
        name=name,
        job=job,
        cron=cron,
        time_zone=time_zone,
        every=every,
        overlap=overlap,
        catch_up_s=catch_up,
        jitter_s=jitter,
        pause_on_failure=pause_on_failure,
    )
    _show(calling.run(context, lambda client: client.make_schedule(order)), as_json=as_json)


@app.command()
def show(context: typer.Context, schedule: ScheduleId) -> None:
    """Show a schedule, as JSON."""
    terminal.json_page(calling.run(context, lambda client: client.schedule(schedule)))


@app.command()
def pause(
    context: typer.Context,
    schedule: ScheduleId,
    note: Annotated[str | None, typer.Option(help="Why; shown with the schedule.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Submit nothing until it is resumed."""
    found = calling.run(context, lambda client: client.pause_schedule(schedule, note))
    _show(found, as_json=as_json)


@app.command()
def resume(context: typer.Context, schedule: ScheduleId, *, as_json: AsJson = False) -> None:
    """Go on with the next time."""
    found = calling.run(context, lambda client: client.resume_schedule(schedule))
    _show(found, as_json=as_json)


@app.command()
def run(context: typer.Context, schedule: ScheduleId) -> None:
    """Submit the schedule's job now; prints its id."""
    job = calling.run(context, lambda client: client.run_schedule(schedule))
    typer.echo(str(job.id))


@app.command("next")
def following(
    context: typer.Context,
    schedule: Annotated[
        UUID | None, typer.Argument(metavar="SCHEDULE", help="One that there is.")
    ] = None,
    *,
    cron: Cron = None,
    time_zone: Zone = "UTC",
    every: Every = None,
    count: Count = 5,
) -> None:
    """Print the next times of a schedule, or of a --cron or --every to be tried out."""

    async def use(client: Client) -> list[datetime]:
        if schedule is not None:
            return await client.next_times(schedule, count=count)
        return await client.preview_times(cron=cron, time_zone=time_zone, every=every, count=count)

    for moment in calling.run(context, use):
        typer.echo(moment.astimezone().isoformat())


@app.command()
def runs(
    context: typer.Context, schedule: ScheduleId, limit: Limit = 50, *, as_json: AsJson = False
) -> None:
    """List what the last times came to."""
    page = calling.run(context, lambda client: client.schedule_runs(schedule, limit=limit))
    if as_json:
        terminal.json_page(page)
        return
    terminal.table(
        ["time", "came to", "job", "status", "reason"],
        [
            (clock(each.nominal_time), each.outcome, each.job_id, each.job_status, each.reason)
            for each in page.items
        ],
    )


@app.command()
def delete(context: typer.Context, schedule: ScheduleId) -> None:
    """Forget a schedule; its jobs stay."""
    calling.run(context, lambda client: client.delete_schedule(schedule))
    terminal.note(f"deleted {schedule}")


def _job(
    processor: str | None, params: str | None, steps: str | None, value: str | None
) -> SubmitJob:
    return SubmitJob(
        processor=processor,
        params=calling.json_value(params, dict[str, Any], option="--params") if params else None,
        steps=_steps(steps) if steps else None,
        value=calling.json_value(value, Any, option="--value") if value else None,
    )


def _steps(text: str) -> list[StepSpec]:
    return calling.json_value(calling.json_or_file(text), list[StepSpec], option="--steps")


def _show(found: Schedule, *, as_json: bool) -> None:
    if as_json:
        terminal.json_page(found)
    else:
        terminal.table(["id", "name", "next"], [(found.id, found.name, _next(found))])


def _next(found: Schedule) -> str:
    if found.paused:
        return f"paused: {found.note}" if found.note else "paused"
    return clock(found.next_run_at) if found.next_run_at else "never"


def _last(found: Schedule) -> str:
    last = found.last_run
    return "" if last is None else (last.job_status or last.outcome).value
