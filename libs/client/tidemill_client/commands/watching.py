"""A job on the screen: as it stands, and as it runs."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Self

import typer
from msgspec import Struct
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.subscription import Item, Received
from tidemill_client.wording import outcome
from tidemill_contracts.job_events import JobStepSucceeded
from tidemill_contracts.jobs import Job
from tidemill_contracts.jobs import Progress as JobProgress
from tidemill_contracts.stream import Progressed


class Watch(Struct, frozen=True, kw_only=True):
    """How long to look at a job, and for whom."""

    wait: bool
    follow: bool
    as_json: bool
    lines: bool = False


def submitted(
    context: typer.Context, submit: Callable[[Client], Awaitable[Job]], watch: Watch
) -> None:
    """Hand a job in and watch it as asked; the exit code is that of its ending."""

    async def use(client: Client) -> Job:
        job = await submit(client)
        if watch.follow:
            await _follow(client, job, watch)
        return await client.wait(job.id) if watch.wait or watch.follow else job

    job = calling.run(context, use)
    if watch.as_json and watch.follow:
        terminal.json_line({"job": job})
    else:
        show(job, as_json=watch.as_json)
    if watch.wait or watch.follow:
        raise typer.Exit(calling.OUTCOMES[job.status])


def show(job: Job, *, as_json: bool) -> None:
    if as_json:
        terminal.json_page(job)
        return
    facts = [
        ("id", job.id),
        ("status", job.status),
        ("waits for", job.blocked_reason),
        ("dataset", job.dataset_id),
        ("pipeline", job.pipeline),
        ("attempt", job.attempt or None),
        ("error", job.error and f"{job.error.code}: {job.error.message}"),
        ("cancel", job.cancel and job.cancel.outcome),
        ("result", outcome(job.result) or None),
    ]
    terminal.table(["job", ""], [fact for fact in facts if fact[1] is not None])
    terminal.table(
        ["step", "status", "result"],
        [
            (step.name, step.status, step.error.message if step.error else outcome(step.result))
            for step in job.steps
        ],
    )


async def _follow(client: Client, job: Job, watch: Watch) -> None:
    with ProgressBar(len(job.steps), visible=not watch.as_json) as bar:
        async with aclosing(client.follow(job.id, lines=watch.lines)) as items:
            async for item in items:
                bar.show(item, as_json=watch.as_json)


class ProgressBar:
    """Steps done, and how far the present one is, below the lines of a terminal.

    In a pipe there is no bar, and progress has lines of its own.
    """

    def __init__(self, steps: int, *, visible: bool = True) -> None:
        screen = terminal.screen()
        self._shown = visible and screen.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            console=screen,
            transient=True,
            disable=not self._shown,
        )
        self._steps = self._bars.add_task(f"{steps} steps", total=steps)
        self._step: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, item: Item, *, as_json: bool = False) -> None:
        """Print an item as a line above the bar, or move the bar."""
        if isinstance(item, Progressed) and self._shown:
            self._move(item.progress)
            return
        if isinstance(item, Received) and isinstance(item.event, JobStepSucceeded):
            self._bars.advance(self._steps)
        line = terminal.json_text(item) if as_json else terminal.line(item)
        self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _move(self, now: JobProgress) -> None:
        if self._step is None:
            self._step = self._bars.add_task(now.step)
        self._bars.update(self._step, description=now.step, completed=now.done, total=now.total)
