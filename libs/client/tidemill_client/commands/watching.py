"""A job on the screen: as it stands, and as it runs."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Self

import typer
from msgspec import Struct
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.subscription import Item
from tidemill_client.wording import outcome
from tidemill_contracts.jobs import Job
from tidemill_contracts.stream import Progressed


class Watch(Struct, frozen=True, kw_only=True):
    """How long to look at a job, and for whom."""

    wait: bool
    follow: bool
    as_json: bool


def submitted(
    context: typer.Context, submit: Callable[[Client], Awaitable[Job]], watch: Watch
) -> None:
    """Hand a job in and watch it as asked; the exit code is that of its ending."""

    async def use(client: Client) -> Job:
        job = await submit(client)
        if watch.follow:
            await _follow(client, job, as_json=watch.as_json)
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


async def _follow(client: Client, job: Job, *, as_json: bool) -> None:
    with ProgressBar(visible=not as_json) as bar:
        async with aclosing(client.follow(job.id)) as items:
            async for item in items:
                if as_json or not bar.takes(item):
                    terminal.item(item, as_json=as_json)


class ProgressBar:
    """A bar below the lines on a terminal; in a pipe progress has lines of its own."""

    def __init__(self, *, visible: bool) -> None:
        screen = terminal.screen()
        self._shown = visible and screen.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=screen,
            transient=True,
            disable=not self._shown,
        )
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def takes(self, item: Item) -> bool:
        """Whether the bar shows this item."""
        if not (self._shown and isinstance(item, Progressed)):
            return False
        now = item.progress
        if self._bar is None:
            self._bar = self._bars.add_task(now.step)
        self._bars.update(self._bar, description=now.step, completed=int(now.done), total=now.total)
        return True
