"""A tour of the whole system on real data, in a stack that is thrown away afterwards."""

import asyncio
import csv
import importlib.util
import signal
import tempfile
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from statistics import fmean, pstdev
from time import perf_counter
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer
from msgspec import UNSET, Struct, field

from tidemill_client import terminal
from tidemill_client.client import ENDINGS, Client
from tidemill_client.commands.watching import ProgressBar
from tidemill_client.live import Live
from tidemill_client.problems import ClientError
from tidemill_client.subscription import Item, Received
from tidemill_client.wording import describe
from tidemill_contracts.datasets import Dataset, DatasetStatus
from tidemill_contracts.job_events import JobStepSucceeded, JobSucceeded
from tidemill_contracts.jobs import Job, StepSpec
from tidemill_contracts.stream import Gap, Logged, Progressed
from tidemill_kit.errors import TidemillError
from tidemill_stack.stack import Stack

WEATHER = Path("_data", "seattle-weather.csv")
MEASURED = ("precipitation", "temp_max", "temp_min", "wind")
THRESHOLD = 4.0
SHOWN = 8

app = typer.Typer()


class DemoFailed(Exception):
    """The demo did not show what it promises."""


class Anomaly(Struct, frozen=True):
    row: int
    column: str
    score: float


class Anomalies(Struct, frozen=True):
    """What `detect_anomalies` says besides the rows that it marks."""

    rows: int
    anomalies: int
    first: list[Anomaly]


class Metrics(Struct, frozen=True):
    """What `compute_metrics` says of each column."""

    rows: int
    columns: dict[str, dict[str, Any]]


class Times(Struct):
    """How long each part took, in seconds."""

    parts: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])

    @contextmanager
    def part(self, name: str) -> Generator[None]:
        began = perf_counter()
        yield
        self.parts.append((name, perf_counter() - began))


@app.command()
def demo(
    events: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write live and replayed events here.")
    ] = None,
    slots: Annotated[int, typer.Option(min=1, help="How many jobs may run at once.")] = 2,
) -> None:
    """Start a throw-away stack, analyse real weather data live, replay it and compare."""
    try:
        raise typer.Exit(asyncio.run(run(events, slots)))
    except asyncio.CancelledError:
        terminal.note("demo: stopped")
        raise typer.Exit(1) from None


async def run(events: Path | None, slots: int) -> int:
    """The exit code: 0 if all went well and the replay equals what came live."""
    main = asyncio.current_task()
    if main:
        # the stack must stop before this process does
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
    times = Times()
    try:
        with tempfile.TemporaryDirectory(prefix="tidemill-demo-") as folder:
            await _show(Path(folder), events, slots, times)
    except (DemoFailed, ClientError, TidemillError, msgspec.MsgspecError, OSError) as error:
        terminal.note(f"demo: {error}")
        return 1
    total = ("in all", sum(seconds for _, seconds in times.parts))
    _say("")
    terminal.table(["part", "seconds"], [(n, f"{s:6.2f}") for n, s in [*times.parts, total]])
    return 0


async def _show(folder: Path, events: Path | None, slots: int, times: Times) -> None:
    weather = dataset_file()
    async with AsyncExitStack() as running:
        with times.part("start the stack"):
            _say("starting a stack that is thrown away afterwards …")
            stack = await running.enter_async_context(Stack(folder, port=0, slots=slots))
            client = await running.enter_async_context(Client(stack.url))
        with times.part("register and sign in"):
            await _sign_in(client)
        with times.part("upload and ingest"):
            dataset = await _upload(client, weather)
        with times.part("normalize, detect, measure"):
            job, live = await _analyse(client, dataset)
        with times.part("show the findings"):
            await _findings(client, job, weather)
        with times.part("arithmetic pipeline"):
            await _arithmetic(client)
        with times.part("replay and compare"):
            await _replay(client, job.id, live, events)
        stopping = perf_counter()
    times.parts.append(("stop everything", perf_counter() - stopping))


def dataset_file() -> Path:
    """Four years of Seattle's weather, as NOAA measured it, out of the `vega_datasets` wheel."""
    found = importlib.util.find_spec("vega_datasets")
    if found is None or not found.submodule_search_locations:
        raise DemoFailed("the package vega-datasets is not installed; it holds the demo's data")
    return Path(found.submodule_search_locations[0]) / WEATHER


async def _sign_in(client: Client) -> None:
    email, password = "demo@tidemill.example", token_urlsafe(16)
    await client.register(email, password)
    await client.sign_in(email, password)
    _say(f"{client.url} is up; signed in as {email}")


async def _upload(client: Client, file: Path) -> Dataset:
    dataset = await client.wait_dataset((await client.upload(file)).id)
    if dataset.status is not DatasetStatus.READY:
        raise DemoFailed(f"the dataset is {dataset.status}: {dataset.error or 'no reason given'}")
    _say(f"{dataset.name}: {dataset.rows} rows of {dataset.format}, ready")
    return dataset


async def _analyse(client: Client, dataset: Dataset) -> tuple[Job, list[Received]]:
    """Three steps in one job; answers it with its events as they came."""
    steps = [
        StepSpec(processor="normalize", params={"method": "zscore"}),
        StepSpec(processor="detect_anomalies", params={"method": "zscore", "threshold": THRESHOLD}),
        StepSpec(processor="compute_metrics", params={"columns": MEASURED}),
    ]
    live: list[Received] = []
    async with client.live("all") as items:
        job = await client.submit(steps=steps, dataset_id=dataset.id)
        _say(f"job {job.id}, live:")
        with ProgressBar(len(steps)) as bar:
            async with aclosing(_until_ending(items, job.id)) as own:
                async for item in own:
                    bar.show(item)
                    if isinstance(item, Received):
                        live.append(item)
    return await client.job(job.id), live


async def _until_ending(items: Live, job_id: UUID) -> AsyncGenerator[Item]:
    """What is about this job, up to its ending, which must be a success."""
    async for item in items:
        if isinstance(item, Gap):
            raise DemoFailed(f"the live stream has a hole: {item.reason}")
        if _subject(item) != job_id:
            continue
        yield item
        if isinstance(item, Received) and isinstance(item.event, ENDINGS):
            if not isinstance(item.event, JobSucceeded):
                raise DemoFailed(f"{item.event.type} {describe(item.event)}")
            return


def _subject(item: Received | Progressed | Logged) -> UUID:
    return item.event.key if isinstance(item, Received) else item.job_id


async def _findings(client: Client, job: Job, weather: Path) -> None:
    """The metrics, and the anomalies beside the days they are about."""
    metrics = msgspec.convert(await client.result(job.id), Metrics)
    _say(f"\nmetrics of the normalized columns, {metrics.rows} rows:")
    names = ("count", "mean", "std", "min", "max")
    terminal.table(
        ["column", *names],
        [
            (column, *(_figure(each.get(name)) for name in names))
            for column in MEASURED
            for each in [metrics.columns[column]]
        ],
    )
    result = job.steps[1].result
    if result is None or result.value is UNSET:
        raise DemoFailed("detect_anomalies says nothing of what it found")
    found = msgspec.convert(result.value, Anomalies)
    days = _days(weather)
    if found.anomalies != (expected := len(set(_extremes(days)))):
        raise DemoFailed(f"{found.anomalies} anomalies, plain Python finds {expected}")
    _say(
        f"\nbeyond {THRESHOLD:g} standard deviations: {found.anomalies} days, as plain Python says"
    )
    _say(f"the farthest of the first {len(found.first)} anomalies:")
    worst = sorted(found.first, key=lambda each: each.score, reverse=True)[:SHOWN]
    terminal.table(
        ["day", "column", "value", "score", "weather"],
        [
            (day["date"], each.column, day[each.column], f"{each.score:.1f}", day["weather"])
            for each in worst
            for day in [days[each.row - 1]]
        ],
    )


def _days(weather: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(weather.read_text(encoding="utf-8").splitlines()))


def _extremes(days: list[dict[str, str]]) -> Iterator[int]:
    """The rows a few lines of plain Python find, to check the processors by."""
    for column in MEASURED:
        values = [float(day[column]) for day in days]
        mean, spread = fmean(values), pstdev(values)
        yield from (n for n, each in enumerate(values) if abs(each - mean) > THRESHOLD * spread)


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


async def _arithmetic(client: Client) -> None:
    """Each partial result as its event comes over the WebSocket."""
    values: list[Any] = [10]
    _say("\nthe stored pipeline `arithmetic` on 10:")
    async with client.live("all") as items:
        job = await client.run_pipeline("arithmetic", value=values[0])
        async with aclosing(_until_ending(items, job.id)) as own:
            async for item in own:
                event = item.event if isinstance(item, Received) else None
                if isinstance(event, JobStepSucceeded) and event.result:
                    values.append(event.result.value)
                    _say(f"  {event.step}: {event.result.value}")
    _say(f"arithmetic: {' -> '.join(str(value) for value in values)}")
    if (result := await client.result(job.id)) != values[-1]:
        raise DemoFailed(f"the job's result is {result}, the last step gave {values[-1]}")


async def _replay(client: Client, job_id: UUID, live: list[Received], file: Path | None) -> None:
    """The job's events once more: from its history, and by a second subscription."""
    history = await client.job_events(job_id)
    async with aclosing(client.follow(job_id)) as items:
        again = [item async for item in items if isinstance(item, Received)]
    if file:
        _write(file, live=live, replay=history)
    for name, others in (("history", history), ("second subscription", again)):
        if _canonical(others) != _canonical(live):
            raise DemoFailed(f"the {name} ({len(others)} events) differs from the live stream")
    if [each.event.seq for each in live] != list(range(1, len(live) + 1)):
        raise DemoFailed("the events are not numbered 1 to n")
    _say(f"\nreplay: {len(live)} events, equal to the live stream")


def _write(file: Path, **told: list[Received]) -> None:
    lines = [{"source": name, "event": each.body} for name, own in told.items() for each in own]
    file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def _canonical(events: list[Received]) -> list[bytes]:
    return [msgspec.json.encode(each.body, order="deterministic") for each in events]


def _say(text: str) -> None:
    terminal.screen().print(text, markup=False)
