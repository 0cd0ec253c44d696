"""What the figures depend on: the machine, its disk and the versions."""

import os
import platform
import time
from pathlib import Path

from msgspec import Struct

SYNCS = 200


class Facts(Struct, frozen=True):
    """The machine at the time of the run."""

    when: str
    cores: int
    processor: str
    memory_gib: float
    kernel: str
    python: str
    file_system: str
    sync_ms: float
    load_before: float


def facts(folder: Path) -> Facts:
    """`sync_ms` is the median of appending 4 KiB and syncing it where PostgreSQL keeps its log."""
    memory = _field("/proc/meminfo", "MemTotal").split()[0]
    return Facts(
        when=time.strftime("%Y-%m-%d %H:%M %Z"),
        cores=os.cpu_count() or 1,
        processor=_field("/proc/cpuinfo", "model name"),
        memory_gib=round(int(memory) / 2**20, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        file_system=_file_system(folder),
        sync_ms=round(_sync_ms(folder), 3),
        load_before=round(os.getloadavg()[0], 2),
    )


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "0"


def _file_system(folder: Path) -> str:
    """Of the mount with the longest path above the folder."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [mount for mount in mounts if folder.is_relative_to(mount[1])]
    found = max(above, key=lambda mount: len(mount[1]))
    return f"{found[2]} on {found[0]}"


def _sync_ms(folder: Path) -> float:
    seconds: list[float] = []
    file = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(SYNCS):
            began = time.perf_counter()
            os.write(file, bytes(4096))
            os.fdatasync(file)
            seconds.append(time.perf_counter() - began)
    finally:
        os.close(file)
    return 1000 * sorted(seconds)[SYNCS // 2]
