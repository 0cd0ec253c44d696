"""Child processes: real ones, running processors of the registry and of a folder of its own."""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import psutil
import pytest
from msgspec import Raw
from structlog.testing import capture_logs

from tidemill_contracts.ids import uuid7
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.work import Failed, Stopped, Succeeded, WorkStep
from tidemill_processor.settings import Settings
from tidemill_processor.slots import Slot, Slots
from tidemill_processor.wire import (
    Begin,
    Checkpointed,
    Ended,
    Given,
    Progressed,
    StepDone,
    Word,
)

OWN = '''
import os, resource, signal, subprocess, sys, time
import narwhals as nw
from typing import Any
from tidemill_processor.registry import processor
from tidemill_processor.run import Run

@processor
def shout(value: str) -> str:
    """Print a value, and return it in capitals."""
    print(value)
    print("no newline", end="", file=sys.stderr)
    return value.upper()

@processor
def forget(value: Any) -> None:
    """Return nothing."""

@processor
def surroundings() -> dict[str, Any]:
    """What a process of a task sees."""
    return {
        "environment": dict(os.environ),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "memory": resource.getrlimit(resource.RLIMIT_AS),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "niceness": os.nice(0),
        "folder": os.getcwd(),
        "descriptors": sorted(os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                              if os.path.exists(f"/proc/self/fd/{n}")),
    }

@processor
def stubborn(run: Run) -> None:
    """Ignore cancel and SIGTERM alike."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    run.progress(0)
    time.sleep(600)

@processor
def toil(run: Run) -> None:
    """Work for ever without looking at cancel."""
    run.progress(0)
    while True:
        pass

@processor
def beget() -> int:
    """Start a process that would outlive its parent, and return its pid."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid

@processor
def hurry(run: Run) -> None:
    """Report progress as fast as it can be."""
    for done in range(20_001):
        run.progress(done, 20_000)

@processor
def remember(run: Run) -> Any:
    """Keep a checkpoint; return the one before."""
    run.checkpoint({"at": 7})
    return run.checkpointed

@processor
def repeat(value: str, run: Run) -> str:
    """A large value."""
    run.artifact("notes.txt").write_text("kept")
    return value * 300_000

@processor
def explode(frame: nw.LazyFrame) -> nw.LazyFrame:
    """Ask for more memory than there is, inside the engine."""
    return frame.join(frame, how="cross").sort("a_right", "a")

@processor
def misname(frame: nw.LazyFrame) -> nw.LazyFrame:
    """Ask for a column that is not there."""
    return frame.select("nowhere")
'''


@pytest.fixture(scope="module")
async def slots(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Slots]:
    """Two slots with warm children."""
    own = tmp_path_factory.mktemp("own")
    (own / "own.py").write_text(OWN)
    settings = Settings(
        slots=2,
        worker_name="here",
        scratch_dir=str(tmp_path_factory.mktemp("scratch")),
        processor_paths=str(own),
        child_memory_mb=1_024,
        kill_s=0.3,
    )
    slots = Slots(settings)
    slots.open()
    yield slots
    await slots.close()


@pytest.fixture
async def slot(slots: Slots) -> Slot:
    """An idle slot; it goes back by itself when its task ends."""
    return await slots.acquire()


class Told:
    """What a run told, and how it ended."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.first = asyncio.Event()

    async def hear(self, word: Word) -> None:
        self.words.append(word)
        self.first.set()

    def of[W: Word](self, kind: type[W]) -> list[W]:
        return [word for word in self.words if isinstance(word, kind)]

    @property
    def values(self) -> list[Any]:
        return [
            msgspec.json.decode(done.value)
            for done in self.of(StepDone)
            if isinstance(done.value, Raw)
        ]


def a_step(processor: str, *, each: bool = False, **params: Any) -> WorkStep:
    return WorkStep(name=processor, processor=processor, params=params, each=each)


def a_begin(folder: Path, *steps: WorkStep, given: Given | None = None, value: Any = None) -> Begin:
    return Begin(
        steps=list(steps),
        given=given or Given(value=Raw(json.dumps(value).encode())),
        attempt=1,
        folder=str(folder / "run"),
    )


async def run(slot: Slot, begin: Begin) -> tuple[Told, Ended]:
    told = Told()
    return told, await slot.run(begin, uuid7(), told.hear)


def read(file: str) -> str:
    return Path(file).read_text()


async def gone(pid: int) -> None:
    """Wait until no process has this id."""
    if psutil.pid_exists(pid):
        await asyncio.to_thread(psutil.Process(pid).wait, 10)


async def test_each_step_gets_what_the_one_before_returned(slot: Slot, tmp_path: Path) -> None:
    steps = a_step("add", amount=5), a_step("multiply", factor=2), a_step("subtract", amount=10)

    told, ended = await run(slot, a_begin(tmp_path, *steps, value=10))

    assert told.values == [15, 30, 20]
    assert isinstance(ended.ending, Succeeded)


async def test_a_step_that_returns_nothing_passes_its_input_on(slot: Slot, tmp_path: Path) -> None:
    steps = a_step("forget"), a_step("reverse_string")

    told, _ = await run(slot, a_begin(tmp_path, *steps, value="abc"))

    assert [done.step for done in told.of(StepDone)] == ["forget", "reverse_string"]
    assert told.values == ["cba"]


async def test_each_runs_once_for_every_element(slot: Slot, tmp_path: Path) -> None:
    begin = a_begin(tmp_path, a_step("add", each=True, amount=1), value=[1, 2.5, 3])

    told, _ = await run(slot, begin)

    assert told.values == [[2, 3.5, 4]]


@pytest.mark.parametrize("value", [7, list(range(1_001))])
async def test_each_refuses_what_is_no_short_list(slot: Slot, tmp_path: Path, value: Any) -> None:
    begin = a_begin(tmp_path, a_step("add", each=True, amount=1), value=value)

    _, ended = await run(slot, begin)

    assert isinstance(ended.ending, Failed)
    assert (ended.ending.failure, ended.ending.error.code) == (FailureKind.DATA, "invalid_value")


async def test_a_frame_is_read_from_all_its_parts_and_written(slot: Slot, tmp_path: Path) -> None:
    files = [str(tmp_path / f"{n}.parquet") for n in range(2)]
    for n, file in enumerate(files):
        pl.DataFrame({"a": [n, n + 10], "b": ["x", "y"]}).write_parquet(file)
    begin = a_begin(tmp_path, a_step("select_columns", columns=["a"]), given=Given(frame=files))

    told, _ = await run(slot, begin)

    (done,) = told.of(StepDone)
    assert done.parts is not None
    assert (done.columns, [part.rows for part in done.parts]) == (1, [4])
    assert pl.read_parquet(done.parts[0].file)["a"].to_list() == [0, 10, 1, 11]


async def test_a_frame_without_the_column_is_a_fault_of_the_data(
    slot: Slot, tmp_path: Path
) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    given = Given(frame=[str(tmp_path / "a.parquet")])

    _, ended = await run(slot, a_begin(tmp_path, a_step("misname"), given=given))

    assert isinstance(ended.ending, Failed)
    assert ended.ending.failure is FailureKind.DATA


async def test_a_large_value_and_artifacts_are_left_in_files(slot: Slot, tmp_path: Path) -> None:
    told, _ = await run(slot, a_begin(tmp_path, a_step("repeat"), value="ab"))

    (done,) = told.of(StepDone)
    assert done.value_file is not None
    assert read(done.value_file) == f'"{"ab" * 300_000}"'
    assert read(done.artifacts["notes.txt"]) == "kept"


async def test_params_that_do_not_fit_are_a_fault_of_the_data(slot: Slot, tmp_path: Path) -> None:
    _, ended = await run(slot, a_begin(tmp_path, a_step("add", amount="five"), value=1))

    assert isinstance(ended.ending, Failed)
    assert (ended.ending.failure, ended.ending.error.step) == (FailureKind.DATA, "add")


async def test_a_transient_failure_tells_type_and_traceback(slot: Slot, tmp_path: Path) -> None:
    _, ended = await run(slot, a_begin(tmp_path, a_step("fail", kind="transient"), value=1))

    assert isinstance(ended.ending, Failed)
    assert ended.ending.failure is FailureKind.TRANSIENT
    assert ended.ending.error.type == "TransientError"
    assert "diagnostics.py" in str(ended.ending.error.traceback)


async def test_progress_leaves_five_times_a_second_and_its_last_is_kept(
    slot: Slot, tmp_path: Path
) -> None:
    began = time.monotonic()

    told, _ = await run(slot, a_begin(tmp_path, a_step("hurry")))

    said = [word.done for word in told.of(Progressed)]
    assert said == sorted(set(said))
    assert len(said) <= 2 + (time.monotonic() - began) * 5
    assert told.of(StepDone)[0].progress == Progressed(
        step="hurry", done=20_000, total=20_000, unit="rows"
    )


async def test_a_checkpoint_is_told_and_found_again(slot: Slot, tmp_path: Path) -> None:
    begin = msgspec.structs.replace(a_begin(tmp_path, a_step("remember")), checkpoint={"at": 6})

    told, _ = await run(slot, begin)

    assert [msgspec.json.decode(word.state) for word in told.of(Checkpointed)] == [{"at": 7}]
    assert told.values == [{"at": 6}]


async def test_what_is_printed_becomes_log_lines_of_the_job(slot: Slot, tmp_path: Path) -> None:
    job_id = uuid7()

    with capture_logs() as logs:
        await slot.run(a_begin(tmp_path, a_step("shout"), value="hi"), job_id, Told().hear)

    lines = [(each["line"], each["job_id"]) for each in logs if each["event"] == "run.log"]
    assert lines == [("hi", str(job_id)), ("no newline", str(job_id))]


async def test_a_child_sees_no_secrets_and_cannot_raise_its_limits(
    slot: Slot, tmp_path: Path
) -> None:
    told, _ = await run(slot, a_begin(tmp_path, a_step("surroundings")))

    (seen,) = told.values
    assert not [name for name in seen["environment"] if name.startswith(("TM_", "AWS_"))]
    assert set(seen["environment"]) <= {
        *("PATH", "LANG", "TZ", "HOME", "TMPDIR", "LC_CTYPE"),
        *("POLARS_TEMP_DIR", "POLARS_MAX_THREADS", "MALLOC_ARENA_MAX", "_RJEM_MALLOC_CONF"),
    }
    assert seen["open_files"] == [1_024, 1_024]
    assert seen["memory"] == [2**30, 2**30]
    assert seen["core"] == [0, 0]
    assert seen["niceness"] >= 10
    assert Path(seen["folder"]).name.startswith("slot-")


async def test_a_task_that_heeds_a_cancel_ends_by_itself(slot: Slot, tmp_path: Path) -> None:
    told = Told()
    task = asyncio.create_task(
        slot.run(a_begin(tmp_path, a_step("wait", seconds=600), value=1), uuid7(), told.hear)
    )
    await told.first.wait()

    slot.cancel(30)
    slot.cancel(30)
    ended = await asyncio.wait_for(task, 5)

    assert ended.ending == Stopped(killed=False)


async def test_a_task_that_never_looks_is_killed_at_grace(slot: Slot, tmp_path: Path) -> None:
    told = Told()
    task = asyncio.create_task(slot.run(a_begin(tmp_path, a_step("toil")), uuid7(), told.hear))
    await told.first.wait()
    began = time.monotonic()

    slot.cancel(0.5)
    ended = await asyncio.wait_for(task, 5)

    assert ended.ending == Stopped(killed=True)
    assert 0.5 <= time.monotonic() - began < 2


async def test_a_task_that_ignores_sigterm_is_killed_all_the_same(
    slot: Slot, tmp_path: Path
) -> None:
    told = Told()
    begin = a_begin(tmp_path, a_step("stubborn"))
    task = asyncio.create_task(slot.run(begin, uuid7(), told.hear))
    await told.first.wait()

    slot.cancel(0)
    ended = await asyncio.wait_for(task, 5)

    assert ended.ending == Stopped(killed=True)


async def test_a_crash_ends_its_own_task_only(slots: Slots, tmp_path: Path) -> None:
    one, other = await slots.acquire(), await slots.acquire()
    waiting = asyncio.create_task(
        run(other, a_begin(tmp_path / "b", a_step("wait", seconds=1), value=1))
    )

    _, crashed = await run(one, a_begin(tmp_path / "a", a_step("fail", kind="crash"), value=1))
    _, succeeded = await waiting

    assert isinstance(crashed.ending, Failed)
    assert crashed.ending.failure is FailureKind.CRASH
    assert crashed.ending.error.code == "child_crashed"
    assert "SIGKILL" in crashed.ending.error.message
    assert isinstance(succeeded.ending, Succeeded)


async def test_a_crashed_child_is_replaced(slots: Slots, tmp_path: Path) -> None:
    held = await slots.acquire()
    slot = await slots.acquire()
    await run(slot, a_begin(tmp_path / "a", a_step("fail", kind="crash"), value=1))

    again = await asyncio.wait_for(slots.acquire(), 30)
    told, _ = await run(again, a_begin(tmp_path / "b", a_step("noop"), value=1))

    slots.release(held)
    assert again is slot
    assert told.values == [1]


async def test_a_task_beyond_its_memory_says_so(slot: Slot, tmp_path: Path) -> None:
    _, ended = await run(slot, a_begin(tmp_path, a_step("fail", kind="memory"), value=1))

    assert isinstance(ended.ending, Failed)
    assert ended.ending.error.code == "out_of_memory"


async def test_an_engine_beyond_its_memory_says_so(slot: Slot, tmp_path: Path) -> None:
    pl.DataFrame({"a": range(20_000)}).write_parquet(tmp_path / "a.parquet")
    given = Given(frame=[str(tmp_path / "a.parquet")])

    _, ended = await run(slot, a_begin(tmp_path, a_step("explode"), given=given))

    assert isinstance(ended.ending, Failed)
    assert ended.ending.failure is FailureKind.CRASH
    assert ended.ending.error.code == "out_of_memory"


async def test_a_run_that_is_given_up_leaves_no_process(slot: Slot, tmp_path: Path) -> None:
    told = Told()
    steps = a_step("beget"), a_step("wait", seconds=600)
    task = asyncio.create_task(slot.run(a_begin(tmp_path, *steps), uuid7(), told.hear))
    await told.first.wait()
    (pid,) = told.values

    task.cancel()

    await gone(pid)
    assert not psutil.pid_exists(pid)


PARENT = """
import asyncio, sys
from pathlib import Path
from tidemill_processor.process import Child
from tidemill_processor.settings import Settings

async def main():
    folder = Path(sys.argv[1])
    child = await Child.start(Settings(), folder, printed=print, pure=True)
    print(child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await gone(pid)
    assert not psutil.pid_exists(pid)
    assert os.getpid() != pid
