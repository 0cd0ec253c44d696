"""The tables of a report as rows of cells, before anybody draws them."""

from collections import defaultdict
from statistics import median

from msgspec import Struct

from tests.bench.measures import Figure, Measure
from tests.bench.report import Report
from tests.bench.trial import Trial

COLUMNS = (("tidemill", "service"), ("tidemill", "gateway"), ("plain", "service"))
NAMES = ("Tidemill", "through the gateway", "plain stack")
# of a processor's time a job; what takes less has no line of its own
LEAST_US = 1.0


class Cell(Struct, frozen=True):
    """A text; `meets` says whether it reaches its target, where there is one."""

    text: str = ""
    meets: bool | None = None


class Grid(Struct, frozen=True):
    """A table; each part is set off from the next, its first column names it once."""

    title: str
    heads: list[str]
    words: int
    parts: list[list[list[Cell]]]


def grids(report: Report, measures: list[Measure]) -> list[Grid]:
    drawn = [_figures(report, measures), _processor_time(report, measures), _memory(report)]
    return [grid for grid in drawn if grid.parts]


def _figures(report: Report, measures: list[Measure]) -> Grid:
    parts = [
        [
            [
                Cell("" if number else measure.name),
                Cell(figure.label),
                *_row(report, measure, figure),
                Cell(figure.wanted),
            ]
            for number, figure in enumerate(measure.figures)
        ]
        for measure in measures
    ]
    return Grid("Median [min .. max]", ["", "measure", *NAMES, "ratio", "target"], 2, parts)


def _row(report: Report, measure: Measure, figure: Figure) -> list[Cell]:
    found = [_values(report.of(measure.name, column), figure) for column in COLUMNS]
    here, there = found[0], found[-1]
    meets = figure.meets(median(here)) if here else None
    return [
        Cell(_spread(here, figure), meets),
        *(Cell(_spread(values, figure)) for values in found[1:]),
        Cell(_ratio(here, there, figure)),
    ]


def _values(trials: list[Trial], figure: Figure) -> list[float]:
    return [trial.figures[figure.key] for trial in trials if figure.key in trial.figures]


def _spread(values: list[float], figure: Figure) -> str:
    if not values:
        return "-"
    middle, least, most = (
        f"{value:,.{figure.digits}f}" for value in (median(values), min(values), max(values))
    )
    return f"{middle} [{least} .. {most}]" if len(values) > 1 else middle


def _ratio(here: list[float], there: list[float], figure: Figure) -> str:
    """How many times better Tidemill is."""
    if not here or not there:
        return ""
    ours, theirs = median(here), median(there)
    better, worse = (ours, theirs) if figure.more_is_better else (theirs, ours)
    return f"{better / worse:.2f} x" if worse else ""


def _processor_time(report: Report, measures: list[Measure]) -> Grid:
    parts: list[list[list[Cell]]] = []
    for measure in measures:
        columns = [_per_job(report.of(measure.name, column)) for column in COLUMNS]
        most = defaultdict[str, float](float)
        for column in columns:
            for name, micros in column.items():
                most[name] = max(most[name], micros)
        names = sorted(most, key=lambda name: -most[name])
        rows = [
            [name, *(f"{column[name]:,.0f}" if name in column else "" for column in columns)]
            for name in names
        ]
        if rows:
            sums = (f"{sum(each.values()):,.0f}" if each else "" for each in columns)
            rows.append(["all of these", *sums])
            parts.append(_named(measure.name, rows))
    heads = ["", "process", *NAMES]
    return Grid("Processor time, µs a job (M5: a delivery, M9: a MiB)", heads, 2, parts)


def _per_job(trials: list[Trial]) -> dict[str, float]:
    spent = defaultdict[str, list[float]](list)
    for trial in trials:
        if trial.usage and trial.jobs:
            for name, micros in trial.usage.per_job_us(trial.jobs).items():
                spent[name].append(micros)
    middle = {name: median(found) for name, found in spent.items()}
    return {name: micros for name, micros in middle.items() if micros >= LEAST_US}


def _memory(report: Report) -> Grid:
    """Beside the memory, the processor time of the same rest."""
    parts = [_at_rest(trial) for trial in report.trials if trial.memory_mb]
    heads = ["", "process", "PSS MB", "processor time, ms/s"]
    return Grid("At rest", heads, 2, parts)


def _at_rest(trial: Trial) -> list[list[Cell]]:
    usage, sizes = trial.usage, trial.memory_mb
    spent = {n: 1000 * s / usage.wall_s for n, s in usage.cpu_s.items()} if usage else {}
    rows = [
        [name, f"{sizes[name]:,.1f}", f"{spent.get(name, 0.0):,.1f}"]
        for name in sorted(sizes, key=lambda name: -sizes[name])
    ]
    return _named(trial.side, rows)


def _named(name: str, rows: list[list[str]]) -> list[list[Cell]]:
    return [
        [Cell("" if number else name), *(Cell(text) for text in row)]
        for number, row in enumerate(rows)
    ]
