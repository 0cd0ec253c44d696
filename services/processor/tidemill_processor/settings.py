"""What the processor service reads from the environment besides the kit's settings."""

import os
import socket
import tempfile
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from tidemill_kit import settings

MEGABYTE = 1024 * 1024


class Settings(settings.Settings, frozen=True, kw_only=True):
    """Slots, folders, limits of the child processes, and timers."""

    nats_user: Annotated[str, Meta(description="The service's NATS user.")] = "processor"
    slots: Annotated[int, Meta(ge=0, description="Tasks at a time; 0 means one for each CPU.")] = 0
    warm_slots: Annotated[
        int,
        Meta(ge=1, description="Slots with a child process from the start; others at need."),
    ] = 1
    worker_name: Annotated[
        str,
        Meta(
            max_length=255,
            description="Stable name of this worker; the host's name unless given.",
        ),
    ] = ""
    processor_paths: Annotated[
        str,
        Meta(description="Folders with processors of your own, separated as in PATH."),
    ] = ""
    scratch_dir: Annotated[str, Meta(description="Folder for inputs and outputs under way.")] = ""
    scratch_mb: Annotated[
        int,
        Meta(ge=1, description="Room for inputs kept for the next task, in MiB."),
    ] = 10_240
    child_memory_mb: Annotated[
        int,
        Meta(ge=256, description="Address space of a child process, in MiB."),
    ] = 4_096
    child_file_mb: Annotated[
        int,
        Meta(ge=1, description="Largest file a child process may write, in MiB."),
    ] = 16_384
    child_rss_mb: Annotated[
        int,
        Meta(ge=64, description="A child process that keeps more than this is replaced, in MiB."),
    ] = 768
    child_tasks: Annotated[
        int,
        Meta(ge=1, description="A child process is replaced after so many tasks and a minute."),
    ] = 200
    child_nice: Annotated[
        int,
        Meta(ge=0, le=19, description="How far child processes stand back for the API."),
    ] = 10
    dask_scheduler: Annotated[
        str,
        Meta(description="Dask scheduler, such as tcp://10.0.0.5:8786; none unless given."),
    ] = ""
    dask_queues: Annotated[
        str,
        Meta(description="Queues whose frames the Dask cluster works on, separated by commas."),
    ] = "dask"
    beat_s: Annotated[float, Meta(gt=0, description="Seconds between signs of life.")] = 10.0
    lease_s: Annotated[float, Meta(gt=0, description="Seconds a task stays ours unheard.")] = 30.0
    drain_s: Annotated[
        float,
        Meta(ge=0, description="Seconds that running tasks get to finish at shutdown."),
    ] = 25.0
    pull_s: Annotated[float, Meta(gt=0, description="Seconds that a pull waits for orders.")] = 3.0
    kill_s: Annotated[
        float,
        Meta(gt=0, description="Seconds from SIGTERM to SIGKILL of a cancelled child."),
    ] = 5.0

    @property
    def slot_count(self) -> int:
        return self.slots or os.cpu_count() or 1

    @property
    def dask_queues_served(self) -> frozenset[str]:
        """The queues that this worker takes for the Dask cluster; none without a cluster."""
        named = self.dask_queues.split(",") if self.dask_scheduler else ()
        return frozenset(name.strip() for name in named if name.strip())

    @property
    def worker(self) -> str:
        return self.worker_name or socket.gethostname()

    @property
    def scratch(self) -> Path:
        """One folder for each worker, so that two on one machine do not share."""
        top = self.scratch_dir or str(Path(tempfile.gettempdir()) / f"tidemill-{os.getuid()}")
        return Path(top) / self.worker

    @property
    def paths(self) -> list[Path]:
        return [Path(each).resolve() for each in self.processor_paths.split(os.pathsep) if each]

    @property
    def child_threads(self) -> int:
        """Polars threads for each child, so that all together fill the machine once."""
        return max(1, (os.cpu_count() or 1) // self.slot_count)

    def child_environment(self, folder: Path) -> dict[str, str]:
        """All that a child process is told: no address, no credentials."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "POLARS_TEMP_DIR": str(folder),
            "POLARS_MAX_THREADS": str(self.child_threads),
            # each arena of glibc reserves 64 MiB of the address space
            "MALLOC_ARENA_MAX": "2",
        }
