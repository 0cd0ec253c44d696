"""One run of one measure on one side, and how large its load is."""

from pathlib import Path

from msgspec import Struct, field

from tests.bench.accounting import Usage, Window
from tests.bench.side import Door, Side, Standing, Who, settled


class Scale(Struct, frozen=True, kw_only=True):
    """How many jobs, and how long: enough for steady figures, or a quick look."""

    m1_s: float = 5.0
    m2_jobs: int = 5_000
    m3_jobs: int = 300
    m4_jobs: int = 200
    m4_pipelines: int = 1_500
    m5_events: int = 1_000
    warm_up: int = 20
    m6_jobs: int = 200
    m6_idle_s: float = 3.0
    m7_jobs: int = 500
    m7_wait_s: float = 60.0
    m8_jobs: int = 200
    m9_mib: int = 1_024
    load_s: float = 30.0
    drain_s: float = 90.0


QUICK = Scale(
    m1_s=2.0,
    m2_jobs=1_000,
    m3_jobs=100,
    m4_jobs=60,
    m4_pipelines=300,
    m5_events=100,
    warm_up=10,
    m6_jobs=80,
    m6_idle_s=1.5,
    m7_jobs=200,
    m7_wait_s=20.0,
    m8_jobs=100,
    m9_mib=192,
)


class Trial(Struct, kw_only=True):
    """What a run found: figures, processor time by process, and what was not as it must be."""

    measure: str
    side: str
    door: str
    round: int
    figures: dict[str, float] = field(default_factory=dict[str, float])
    jobs: int = 0
    usage: Usage | None = None
    memory_mb: dict[str, float] = field(default_factory=dict[str, float])
    faults: list[str] = field(default_factory=list[str])

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Write down what differs; a figure whose check failed is worth nothing."""
        if found != wanted:
            self.faults.append(f"{what}: {found}, expected {wanted}")


class Ground(Struct, kw_only=True):
    """Where a measure takes place; it fills the trial."""

    side: Side
    door: Door
    scale: Scale
    folder: Path
    trial: Trial

    def window(self) -> Window:
        return Window(self.side.roots())

    def account(self, window: Window, jobs: int) -> Usage:
        self.trial.usage, self.trial.jobs = window.usage(self.side.roots()), jobs
        return self.trial.usage

    async def all_done(self, who: Who, jobs: int, within_s: float | None = None) -> Standing:
        """Wait until all have succeeded, and hold PostgreSQL's count against what was accepted."""
        standing = await settled(self.side, who, jobs, within_s or self.scale.drain_s)
        self.trial.expect("rows in PostgreSQL", standing.accepted, jobs)
        self.trial.expect("jobs done", standing.done, jobs)
        return standing
