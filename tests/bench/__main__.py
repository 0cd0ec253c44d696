"""The command behind `just bench`: Tidemill and the plain stack by turns, measured and compared."""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench import facts, peer, tables
from tests.bench.bout import Bout
from tests.bench.drawing import show, write
from tests.bench.measures import MEASURES, Measure
from tests.bench.report import Report
from tests.bench.trial import QUICK, Scale


def arguments() -> argparse.Namespace:
    names = ", ".join(measure.name for measure in MEASURES)
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument(
        "measures",
        nargs="*",
        metavar="M",
        help=f"which of {names}; all if none; or M10, processors",
    )
    parser.add_argument("--rounds", type=int, help="runs on each side: 3, but M7 and M8 once")
    parser.add_argument("--json", type=Path, help="write every run to this file")
    parser.add_argument("--document", type=Path, help="write the tables below its mark")
    parser.add_argument("--quick", action="store_true", help="small loads, one round")
    parser.add_argument("--alone", action="store_true", help="Tidemill without the plain stack")
    parser.add_argument("--keep", type=Path, help="keep data and logs in this new folder")
    return parser.parse_args()


def chosen(names: list[str]) -> list[Measure]:
    """M4 stands for its latency and its throughput."""
    wanted = {name.lower() for name in names}
    if "m4" in wanted:
        wanted.add("m4t")
    unknown = wanted - {measure.name.lower() for measure in MEASURES}
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}")
    return [measure for measure in MEASURES if not wanted or measure.name.lower() in wanted]


async def run(asked: argparse.Namespace, console: Console, folder: Path) -> Report:
    running = asyncio.current_task()
    assert running
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    why_not = "asked to leave it out" if asked.alone else peer.missing()
    if why_not is None:
        await peer.install()
    began = time.monotonic()

    def tell(line: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {line}", highlight=False, markup=False)

    bout = Bout(
        measures=chosen(asked.measures),
        scale=QUICK if asked.quick else Scale(),
        rounds=asked.rounds or (1 if asked.quick else None),
        folder=folder,
        with_peer=why_not is None,
        tell=tell,
        trials=[],
        versions={},
        notes=[f"no plain stack: {why_not}"] if why_not else [],
    )
    known = facts.facts(folder)
    await bout.run()
    return Report(facts=known, versions=bout.versions, trials=bout.trials, notes=bout.notes)


def main() -> int:
    asked, console = arguments(), Console()
    if works := tables.works_of(asked.measures):
        rounds = asked.rounds or (1 if asked.quick else 3)
        tables.compare(works, quick=asked.quick, rounds=rounds)
        return 0
    with tempfile.TemporaryDirectory(prefix="tidemill-bench-") as throw_away:
        folder = asked.keep or Path(throw_away)
        folder.mkdir(exist_ok=True)
        report = uvloop.run(run(asked, console, folder.absolute()))
    show(report, chosen(asked.measures), console)
    if asked.json:
        asked.json.write_bytes(report.json())
    if asked.document:
        write(report, chosen(asked.measures), asked.document)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
