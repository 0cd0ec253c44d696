"""M10 and the built-in processors: beside plain Polars and pandas, by turns, a process for each."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from tidemill_processor import frames, registry
from tidemill_processor.run import Run

COLUMNS = tuple("abcd")
BLOCK = 200_000
PARAMS: dict[str, dict[str, Any]] = {
    "normalize": {},
    "detect_anomalies": {},
    "compute_metrics": {},
    "filter_rows": {"where": [{"column": "a", "op": "gt", "value": 0.5}]},
    "select_columns": {"columns": ["b", "a"]},
}
SPECS = registry.load()


def csv_of(path: Path, size: int) -> Path:
    """About so many bytes of five columns: number, day, price, text, flag."""
    source = np.random.default_rng(1)
    start = date(2020, 1, 1)
    days = pl.Series([start + timedelta(days=each) for each in range(1_000)])
    first = 0
    with path.open("wb") as file:
        while file.tell() < size:
            ids = np.arange(first, first + BLOCK)
            block = pl.DataFrame(
                {
                    "id": ids,
                    "day": days[(ids % 1_000).tolist()],
                    "price": source.normal(100, 15, BLOCK).round(4),
                    "city": [f"city {n}" for n in (ids % 997).tolist()],
                    "flag": ids % 3 == 0,
                }
            )
            block.write_csv(file, include_header=first == 0)
            first += BLOCK
    return path


def parquet_of(path: Path, rows: int) -> Path:
    """So many rows of four columns of numbers."""
    source = np.random.default_rng(2)
    parts: list[Path] = []
    for first in range(0, rows, 1_000_000):
        part = path.with_suffix(f".{first}")
        count = min(1_000_000, rows - first)
        pl.DataFrame({name: source.normal(size=count) for name in COLUMNS}).write_parquet(part)
        parts.append(part)
    pl.scan_parquet(parts, glob=False).sink_parquet(path)
    for part in parts:
        part.unlink()
    return path


def _ours(work: str, source: Path, folder: Path) -> int:
    told: list[int] = []

    def note(done: int, _total: int | None, _unit: str) -> None:
        told.append(done)

    run = Run(folder, source=source, on_progress=note, interval_s=0)
    spec = SPECS[work]
    given = None if work == "ingest" else frames.scan([str(source)])
    output = spec.apply(given, PARAMS.get(work, {}), run)
    if output.frame is not None:
        frames.write(output.frame, folder, run.parts)
    return len(told)


def _polars(work: str, source: Path, folder: Path) -> int:
    target = folder / "out.parquet"
    if work == "ingest":
        pl.scan_csv(source, try_parse_dates=True).sink_parquet(target)
        return 0
    frame, columns = pl.scan_parquet(source), pl.col(COLUMNS)
    zscore = (columns - columns.mean()) / columns.std(ddof=0)
    match work:
        case "normalize":
            frame.with_columns(zscore).sink_parquet(target)
        case "detect_anomalies":
            score = pl.max_horizontal(zscore.abs())
            marked = frame.with_columns(anomaly_score=score, anomaly=score > 3)
            marked.sink_parquet(target)
        case "compute_metrics":
            frame.select(
                columns.mean().name.suffix("mean"),
                columns.std().name.suffix("std"),
                *(columns.quantile(q, "linear").name.suffix(str(q)) for q in (0.25, 0.5, 0.75)),
            ).collect()
        case "filter_rows":
            frame.filter(pl.col("a") > 0.5).sink_parquet(target)
        case _:
            frame.select("b", "a").sink_parquet(target)
    return 0


def _pandas(work: str, source: Path, folder: Path) -> int:
    import pandas as pd

    target = folder / "out.parquet"
    if work == "ingest":
        pd.read_csv(source, parse_dates=["day"]).to_parquet(target)
        return 0
    frame = pd.read_parquet(source)
    zscore = (frame - frame.mean()) / frame.std(ddof=0)
    match work:
        case "normalize":
            zscore.to_parquet(target)
        case "detect_anomalies":
            score = zscore.abs().max(axis=1)
            frame.assign(anomaly_score=score, anomaly=score > 3).to_parquet(target)
        case "compute_metrics":
            frame.agg(["mean", "std"])
            frame.quantile([0.25, 0.5, 0.75])
        case "filter_rows":
            frame[frame["a"] > 0.5].to_parquet(target)
        case _:
            frame[["b", "a"]].to_parquet(target)
    return 0


SIDES: dict[str, Callable[[str, Path, Path], int]] = {
    "tidemill": _ours,
    "polars": _polars,
    "pandas": _pandas,
}


def child(side: str, work: str, source: Path) -> dict[str, float]:
    """Do the work here; what it took."""
    nw.from_native(pl.LazyFrame({"a": [0]})).collect()
    before, began = _spent(), time.monotonic()
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        told = SIDES[side](work, source, Path(folder))
    return {
        "cpu_s": _spent() - before,
        "wall_s": time.monotonic() - began,
        "rss_mb": _most_memory_mb(),
        "progress": told,
    }


def _most_memory_mb() -> float:
    """Of this program alone: what `getrusage` tells holds the process that it was forked from."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def compare(works: list[str], *, quick: bool, rounds: int) -> None:
    """A table of all works: medians of the rounds, and how often Polars' processor time it is."""
    from rich.console import Console
    from rich.table import Table

    table = Table("work", "side", "cpu s", "wall s", "RSS MB", "Polars' CPU x", "a CPU s")
    with tempfile.TemporaryDirectory(prefix="tidemill-tables-") as folder:
        size, rows = (20_000_000, 500_000) if quick else (200_000_000, 10_000_000)
        text = csv_of(Path(folder) / "in.csv", size) if "ingest" in works else None
        numbers = parquet_of(Path(folder) / "in.parquet", rows) if works != ["ingest"] else None
        for work in works:
            source = text if work == "ingest" else numbers
            if source is not None:
                for row in _rows(work, source, rows, rounds):
                    table.add_row(*row)
    Console().print(table)


def _rows(work: str, source: Path, rows: int, rounds: int) -> Iterator[list[str]]:
    found = {side: [apart(side, work, source) for _ in range(rounds)] for side in SIDES}
    middle = {
        side: {key: float(np.median([each[key] for each in runs])) for key in runs[0]}
        for side, runs in found.items()
    }
    for side, figures in middle.items():
        cpu = max(figures["cpu_s"], 0.001)
        pace = f"{rows / cpu:,.0f} rows"
        if work == "ingest":
            pace = f"{source.stat().st_size / 1e6 / cpu:,.0f} MB"
        shown = [f"{figures[key]:.2f}" for key in ("cpu_s", "wall_s", "rss_mb")]
        yield [work, side, *shown, f"{cpu / max(middle['polars']['cpu_s'], 0.001):.2f}", pace]


def apart(
    side: str, work: str, source: Path, *, timeout_s: float | None = None
) -> dict[str, float]:
    """What a work takes in a process of its own."""
    command = [
        *(sys.executable, "-m", "tests.bench.tables", "--child", work, str(source)),
        *("--side", side),
    ]
    done = subprocess.run(  # noqa: S603 - fixed words
        command, check=True, capture_output=True, timeout=timeout_s
    )
    return json.loads(done.stdout.splitlines()[-1])


def works_of(names: list[str]) -> list[str]:
    """The works that `M10` and `processors` stand for; none if something else is asked for."""
    known = {"m10": ["ingest"], "processors": list(PARAMS)}
    if not names or {name.lower() for name in names} - known.keys():
        return []
    return [work for name in names for work in known[name.lower()]]


def main() -> None:
    """Do one work in this process, as `child` says."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--child", nargs=2, metavar=("WORK", "FILE"), required=True)
    parser.add_argument("--side", default="tidemill", choices=SIDES)
    asked = parser.parse_args()
    work, source = asked.child
    sys.stdout.write(json.dumps(child(asked.side, work, Path(source))) + "\n")


if __name__ == "__main__":
    main()
