"""A report on the terminal, and the same as a part of a document."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench.grids import Cell, Grid, grids
from tests.bench.measures import Measure
from tests.bench.report import Report

MARK = "<!-- what follows is written by `just bench --document` -->"


def show(report: Report, measures: list[Measure], console: Console) -> None:
    for grid in grids(report, measures):
        console.print(_table(grid))
    for line in report.terms():
        console.print(escape(line), highlight=False)
    for line in report.warnings():
        console.print(f"[yellow]{escape(line)}[/]", highlight=False)
    for fault in report.faults:
        console.print(f"[red]check failed: {escape(fault)}[/]", highlight=False)


def write(report: Report, measures: list[Measure], document: Path) -> None:
    """Put the report in the place of what follows the mark."""
    kept, mark, _ = document.read_text("utf-8").partition(MARK)
    parts = [_markdown(grid) for grid in grids(report, measures)]
    lines = [*report.terms(), *report.warnings(), *(f"Check failed: {f}" for f in report.faults)]
    listed = "\n".join(f"- {line}" for line in lines)
    document.write_text("\n\n".join([f"{kept}{mark}", *parts, listed]) + "\n", "utf-8")


def _table(grid: Grid) -> Table:
    table = Table(title=escape(grid.title), title_justify="left")
    for number, head in enumerate(grid.heads):
        table.add_column(head, justify="left" if number < grid.words else "right")
    for part in grid.parts:
        for number, row in enumerate(part):
            cells = (_styled(cell) for cell in row)
            table.add_row(*cells, end_section=number == len(part) - 1)
    return table


def _styled(cell: Cell) -> str:
    if cell.meets is None:
        return escape(cell.text)
    return f"[{'green' if cell.meets else 'red'}]{escape(cell.text)}[/]"


def _markdown(grid: Grid) -> str:
    rule = ["---" if number < grid.words else "---:" for number in range(len(grid.heads))]
    rows = [[cell.text for cell in row] for part in grid.parts for row in part]
    lines = (f"| {' | '.join(cells)} |" for cells in (grid.heads, rule, *rows))
    return f"### {grid.title}\n\n" + "\n".join(lines)
