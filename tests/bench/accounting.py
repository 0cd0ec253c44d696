"""Who used how much processor time and memory, from /proc: what a busy machine spoils least."""

import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Self

from msgspec import Struct

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
LOAD = "load generator"
# one line for each of its many backends would say nothing
MERGED = frozenset({"postgres"})


class Process(Struct, frozen=True):
    """A line of /proc/<pid>/stat; `reaped_s` is the time of its children that have ended."""

    pid: int
    parent: int
    own_s: float
    reaped_s: float


class Usage(Struct, frozen=True):
    """Processor seconds of a stretch of time, by process, and what else the machine did."""

    wall_s: float
    cpu_s: dict[str, float]
    machine_s: float
    stolen_s: float

    @property
    def others_share(self) -> float:
        """The share of the machine that processes outside the measure took."""
        whole = self.wall_s * (os.cpu_count() or 1)
        return max(0.0, self.machine_s - sum(self.cpu_s.values())) / whole

    def per_job_us(self, jobs: int) -> dict[str, float]:
        return {name: 1e6 * seconds / jobs for name, seconds in self.cpu_s.items()}


class Window:
    """From here until `usage` is asked for."""

    def __init__(self, roots: dict[str, int]) -> None:
        self._before = cpu_seconds(roots)
        self._machine = machine_seconds()
        self._began = time.perf_counter()

    def usage(self, roots: dict[str, int]) -> Usage:
        wall = time.perf_counter() - self._began
        busy, stolen = machine_seconds()
        after = cpu_seconds(roots)
        spent = {name: after[name] - self._before.get(name, 0.0) for name in after}
        return Usage(
            wall,
            {name: seconds for name, seconds in spent.items() if seconds > 0},
            busy - self._machine[0],
            stolen - self._machine[1],
        )


class Family:
    """All processes of this moment, by parent."""

    def __init__(self, processes: dict[int, Process]) -> None:
        self._processes = processes
        self._children: dict[int, list[int]] = {}
        for process in processes.values():
            self._children.setdefault(process.parent, []).append(process.pid)

    @classmethod
    def now(cls) -> Self:
        found = [_process(int(each.name)) for each in PROC.iterdir() if each.name.isdecimal()]
        return cls({process.pid: process for process in found if process})

    def below(self, pid: int) -> list[Process]:
        """The process and all its descendants, parents first."""
        if pid not in self._processes:
            return []
        children = self._children.get(pid, [])
        return [self._processes[pid], *(each for child in children for each in self.below(child))]

    def named(self, roots: dict[str, int]) -> list[tuple[str, Process]]:
        """Each process of these trees under its name."""
        return [
            (name if process.pid == root or name in MERGED else f"{name} (children)", process)
            for name, root in roots.items()
            for process in self._without(self.below(root), roots, root)
        ]

    def _without(self, tree: list[Process], roots: dict[str, int], root: int) -> list[Process]:
        """A root below another one is its own tree."""
        inner = {
            each.pid
            for other in roots.values()
            if other != root and any(process.pid == other for process in tree)
            for each in self.below(other)
        }
        return [process for process in tree if process.pid not in inner]


def cpu_seconds(roots: dict[str, int]) -> dict[str, float]:
    """User and system time so far; what ended children used is counted with the living ones."""
    spent = defaultdict[str, float](float, {LOAD: time.process_time()})
    for name, process in Family.now().named(roots):
        spent[name] += process.own_s
        spent[_of_children(name)] += process.reaped_s
    return spent


def machine_seconds() -> tuple[float, float]:
    """Busy and stolen seconds of all processors since boot."""
    line = Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    user, nice, system, _, _, irq, softirq, steal = (int(field) / TICKS for field in line)
    return user + nice + system + irq + softirq, steal


def memory_mb(roots: dict[str, int]) -> tuple[dict[str, float], dict[str, float]]:
    """Proportional and resident set sizes by process; the first shares out what is shared."""
    pss, rss = defaultdict[str, float](float), defaultdict[str, float](float)
    for name, process in Family.now().named(roots):
        fields = _rollup(process.pid)
        pss[name] += fields["Pss"] / 1024
        rss[name] += fields["Rss"] / 1024
    return pss, rss


def _of_children(name: str) -> str:
    return name if name in MERGED or name.endswith(" (children)") else f"{name} (children)"


def _rollup(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) for name, _, rest in (each.partition(":") for each in lines)}


def _process(pid: int) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    user, system, reaped_user, reaped_system = (int(field) for field in fields[11:15])
    own, reaped = (user + system) / TICKS, (reaped_user + reaped_system) / TICKS
    return Process(pid, int(fields[1]), _precise(pid, own), reaped)


def _precise(pid: int, coarse: float) -> float:
    """The same time to the nanosecond, where the kernel lets us read that process's clock."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return coarse
