"""What is measured: each measure's run, its figures, and the target of each."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from tests.bench import busy, fanout, kills, latency, memory, submitting, uploading
from tests.bench.trial import Ground

type Run = Callable[[Ground], Awaitable[None]]


class Figure(Struct, frozen=True):
    """A figure as the table shows it; `target` is the most or the least it may be."""

    key: str
    label: str
    target: float | None = None
    more_is_better: bool = False
    digits: int = 1

    def meets(self, value: float) -> bool | None:
        if self.target is None:
            return None
        return value >= self.target if self.more_is_better else value <= self.target

    @property
    def wanted(self) -> str:
        if self.target is None:
            return ""
        return f"{'≥' if self.more_is_better else '≤'} {self.target:,.{self.digits}f}"


class Measure(Struct, frozen=True, kw_only=True):
    """A run on one side; one marked `once` is repeated only if rounds are asked for."""

    name: str
    run: Run
    figures: list[Figure]
    gateway: bool = False
    fresh: bool = False
    once: bool = False


MEASURES = [
    Measure(
        name="M1",
        run=submitting.accepted,
        gateway=True,
        figures=[
            Figure("accepted_per_s", "accepted/s, no worker", 6_000, more_is_better=True, digits=0),
            Figure("p99_ms", "p99 ms", 20),
        ],
    ),
    Measure(
        name="M1w",
        run=submitting.accepted_at_work,
        figures=[
            Figure("accepted_per_s", "accepted/s, worker at work", more_is_better=True, digits=0),
            Figure("p99_ms", "p99 ms"),
        ],
    ),
    Measure(
        name="M2",
        run=submitting.done,
        gateway=True,
        figures=[Figure("done_per_s", "jobs done/s", 3_000, more_is_better=True, digits=0)],
    ),
    Measure(
        name="M3",
        run=latency.single,
        gateway=True,
        figures=[
            Figure("p50_ms", "POST to frame, p50 ms", 2.8, digits=2),
            Figure("p95_ms", "p95 ms", digits=2),
            Figure("p99_ms", "p99 ms", 8, digits=2),
        ],
    ),
    Measure(
        name="M4",
        run=latency.pipeline,
        gateway=True,
        figures=[
            Figure("p50_ms", "pipeline of 3 to frame, p50 ms", 4, digits=2),
            Figure("p99_ms", "p99 ms", digits=2),
        ],
    ),
    Measure(
        name="M4t",
        run=latency.pipelines,
        figures=[Figure("pipelines_per_s", "pipelines/s", 2_000, more_is_better=True, digits=0)],
    ),
    Measure(
        name="M5",
        run=fanout.fan_out,
        figures=[
            Figure(
                "deliveries_per_s",
                "deliveries/s to 500 sockets",
                150_000,
                more_is_better=True,
                digits=0,
            ),
        ],
    ),
    Measure(
        name="M6",
        run=busy.cpu_bound,
        figures=[
            Figure("wall_over_ideal", "loops of 20 ms: wall / ideal", 1.12, digits=2),
            Figure("idle_p99_ms", "API p99 ms, idle", digits=2),
            Figure("busy_p99_ms", "API p99 ms, busy", 2, digits=2),
        ],
    ),
    Measure(
        name="M7",
        run=kills.killed,
        once=True,
        figures=[
            Figure("not_done", "lost or stuck", 0, digits=0),
            Figure("executed_twice", "executed twice", digits=0),
            Figure("applied_twice", "applied twice", 0, digits=0),
            Figure("all_done_s", "s until all done"),
            Figure("beyond_work_s", "s beyond the work left", 6),
            Figure("first_again_s", "s until the first job ends again"),
        ],
    ),
    Measure(
        name="M8",
        run=memory.idle,
        fresh=True,
        once=True,
        figures=[
            Figure("pss_mb", "idle memory, PSS MB", 450, digits=0),
            Figure("rss_mb", "RSS MB", digits=0),
            Figure("cpu_ms_per_s", "processor time meanwhile, ms/s"),
        ],
    ),
    Measure(
        name="M9",
        run=uploading.upload,
        gateway=True,
        figures=[
            Figure("mb_per_s", "upload of 1 GiB, MB/s", more_is_better=True, digits=0),
            Figure("of_straight", "of the pace straight to S3", 0.8, more_is_better=True, digits=2),
            Figure("rss_mb", "peak RSS of who takes it, MB", 150, digits=0),
        ],
    ),
]
