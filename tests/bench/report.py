"""The tables: figures beside their targets, processor time a job, memory by process."""

from collections import defaultdict
from statistics import median

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from tests.bench.facts import Facts
from tests.bench.measures import Figure, Measure
from tests.bench.trial import Trial

COLUMNS = (("tidemill", "service"), ("tidemill", "gateway"), ("plain", "service"))
BUSY_MACHINE = 0.10


class Report(Struct, kw_only=True):
    """All of a bout, as it is written to the JSON file."""

    facts: Facts
    versions: dict[str, dict[str, str]]
    trials: list[Trial]
    notes: list[str]

    @property
    def faults(self) -> list[str]:
        return [
            f"{each.measure} #{each.round}, {each.side}, {each.door}: {fault}"
            for each in self.trials
            for fault in each.faults
        ]

    def of(self, measure: str, column: tuple[str, str]) -> list[Trial]:
        """The runs in a column, without those that broke off."""
        return [
            each
            for each in self.trials
            if (each.measure, (each.side, each.door)) == (measure, column) and each.figures
        ]

    def json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def show(report: Report, measures: list[Measure], console: Console) -> None:
    console.print(_figures(report, measures))
    console.print(_processor_time(report, measures))
    if any(trial.memory_mb for trial in report.trials):
        console.print(_memory(report))
    for line in _beneath(report):
        console.print(line, highlight=False)


def _figures(report: Report, measures: list[Measure]) -> Table:
    table = Table(title="Median \\[min .. max]", title_justify="left")
    for name in (
        "",
        "measure",
        "Tidemill",
        "through the gateway",
        "plain stack",
        "ratio",
        "target",
    ):
        table.add_column(name, justify="left" if name in ("", "measure") else "right")
    for measure in measures:
        for number, figure in enumerate(measure.figures):
            found = [_values(report, measure, figure, column) for column in COLUMNS]
            table.add_row(
                "" if number else measure.name,
                figure.label,
                _shown(found[0], figure, judged=True),
                *(_shown(values, figure) for values in found[1:]),
                _ratio(found[0], found[2], figure),
                figure.wanted,
                end_section=number == len(measure.figures) - 1,
            )
    return table


def _values(
    report: Report, measure: Measure, figure: Figure, column: tuple[str, str]
) -> list[float]:
    found = report.of(measure.name, column)
    return [trial.figures[figure.key] for trial in found if figure.key in trial.figures]


def _shown(values: list[float], figure: Figure, *, judged: bool = False) -> str:
    if not values:
        return "-"
    middle = median(values)
    text = f"{middle:,.{figure.digits}f}"
    if len(values) > 1:
        text += f" \\[{min(values):,.{figure.digits}f} .. {max(values):,.{figure.digits}f}]"
    meets = figure.meets(middle) if judged else None
    return text if meets is None else f"[{'green' if meets else 'red'}]{text}[/]"


def _ratio(here: list[float], there: list[float], figure: Figure) -> str:
    """How many times better ours is."""
    if not here or not there:
        return ""
    ours, theirs = median(here), median(there)
    better, worse = (ours, theirs) if figure.more_is_better else (theirs, ours)
    return f"{better / worse:.2f} x" if worse else ""


def _processor_time(report: Report, measures: list[Measure]) -> Table:
    """Medians; the sums count the load generator, which is the same for all."""
    table = Table(
        title="Processor time, µs a job (M5: a delivery), all cores", title_justify="left"
    )
    table.add_column("")
    table.add_column("process")
    for name in ("Tidemill", "through the gateway", "plain stack"):
        table.add_column(name, justify="right")
    for measure in measures:
        columns = [_per_job(report.of(measure.name, column)) for column in COLUMNS]
        names = sorted({name for column in columns for name in column}, key=_by(columns))
        for number, name in enumerate(names):
            cells = (f"{column[name]:,.0f}" if name in column else "" for column in columns)
            table.add_row("" if number else measure.name, name, *cells)
        if names:
            sums = (f"[bold]{sum(each.values()):,.0f}[/]" if each else "" for each in columns)
            table.add_row("", "[bold]all[/]", *sums, end_section=True)
    return table


def _by(columns: list[dict[str, float]]) -> "_Order":
    return _Order(columns)


class _Order(Struct, frozen=True):
    """Largest first."""

    columns: list[dict[str, float]]

    def __call__(self, name: str) -> float:
        return -max(column.get(name, 0.0) for column in self.columns)


def _per_job(trials: list[Trial]) -> dict[str, float]:
    spent = defaultdict[str, list[float]](list)
    for trial in trials:
        if trial.usage and trial.jobs:
            for name, micros in trial.usage.per_job_us(trial.jobs).items():
                spent[name].append(micros)
    return {name: median(found) for name, found in spent.items() if median(found) >= 1}


def _memory(report: Report) -> Table:
    table = Table(title="Idle memory, PSS MB", title_justify="left")
    for name in ("system", "process", "MB"):
        table.add_column(name, justify="right" if name == "MB" else "left")
    for trial in report.trials:
        for name, size in sorted(trial.memory_mb.items(), key=lambda pair: -pair[1]):
            table.add_row(trial.side, name, f"{size:,.1f}")
    return table


def _beneath(report: Report) -> list[str]:
    facts = report.facts
    lines = [
        f"{facts.when}; {facts.cores} x {facts.processor}; {facts.memory_gib} GiB;"
        f" Linux {facts.kernel}; Python {facts.python}; {facts.file_system},"
        f" a synced 4 KiB append {facts.sync_ms} ms; load before {facts.load_before}",
        "Both sides: one API process, as many worker processes as cores, PostgreSQL from the same"
        " binaries with the same configuration (fsync and synchronous_commit on), same load"
        " generator. Tidemill checks a JWT with each request, the plain stack checks none;"
        " its Redis keeps no log (Debian's default), so what it has queued is not durable.",
    ]
    for name, versions in report.versions.items():
        lines.append(f"{name}: " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    noisy = [
        each for each in report.trials if each.usage and each.usage.others_share > BUSY_MACHINE
    ]
    if noisy:
        lines.append(
            f"[yellow]{len(noisy)} of {len(report.trials)} runs shared the machine: other processes"
            f" took up to {max(e.usage.others_share for e in noisy if e.usage):.0%} of it."
            " Rates and latencies of these runs are too bad; trust the processor time."
        )
    lines += [f"[yellow]{note}" for note in report.notes]
    lines += [f"[red]check failed: {fault}" for fault in report.faults]
    return lines
