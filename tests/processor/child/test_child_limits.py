"""What a child process may not do, and how it ends: cancelled, killed, crashed, orphaned."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from tests.builders import PATIENCE_S
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.work import Failed, Stopped, Succeeded
from tidemill_processor.process import Child, warm
from tidemill_processor.settings import Settings
from tidemill_processor.wire import Answers, Batch, Chain


async def test_a_child_sees_no_secrets_and_cannot_raise_its_limits(bench: Any, step: Any) -> None:
    running = await bench.run(step("surroundings"))

    (seen,) = running.values
    assert set(seen["environment"]) <= {
        *("PATH", "LANG", "TZ", "HOME", "TMPDIR", "LC_CTYPE"),
        *("POLARS_TEMP_DIR", "POLARS_MAX_THREADS", "MALLOC_ARENA_MAX", "_RJEM_MALLOC_CONF"),
    }
    assert seen["open_files"] == [1_024, 1_024]
    assert seen["memory"] == [768 * 2**20, 768 * 2**20]
    assert seen["core"] == [0, 0]
    assert seen["niceness"] >= 10
    assert Path(seen["folder"]).name.startswith("slot-")


async def test_a_task_that_heeds_a_cancel_ends_by_itself(bench: Any, step: Any) -> None:
    running = await bench.start(step("wait", seconds=600), value=1)
    await running.first_word()

    running.slot.cancel(30)
    running.slot.cancel(30)

    assert await running.ending() == Stopped(killed=False)


async def test_a_task_that_never_looks_is_killed_at_grace(bench: Any, step: Any) -> None:
    running = await bench.start(step("toil"))
    await running.first_word()
    began = time.monotonic()

    running.slot.cancel(0.5)

    assert await running.ending() == Stopped(killed=True)
    assert 0.5 <= time.monotonic() - began < 5


async def test_a_task_that_ignores_sigterm_is_killed_all_the_same(bench: Any, step: Any) -> None:
    running = await bench.start(step("stubborn"))
    await running.first_word()

    running.slot.cancel(0)

    assert await running.ending() == Stopped(killed=True)


async def test_a_cancel_that_comes_too_late_is_not_heeded(bench: Any, step: Any) -> None:
    running = await bench.start(step("finish_anyway"))
    await running.first_word()

    running.slot.cancel(30)

    assert await running.ending() == Succeeded()


async def test_a_crash_ends_its_own_task_only(bench: Any, step: Any) -> None:
    neighbour = await bench.start(step("wait", seconds=1), value=1)
    running = await bench.start(step("fail", kind="crash"), value=1)

    ending = await running.ending()

    assert (ending.failure, ending.error.code) == (FailureKind.CRASH, "child_crashed")
    assert "SIGKILL" in ending.error.message
    assert await neighbour.ending() == Succeeded()


async def test_a_crashed_child_is_replaced_at_once(bench: Any, step: Any) -> None:
    for _ in range(bench.slots.count):
        await bench.run(step("fail", kind="crash"), value=1)

    running = await bench.run(step("noop"), value=1)

    assert running.values == [1]


async def test_a_task_beyond_its_memory_says_so(bench: Any, step: Any) -> None:
    running = await bench.start(step("fail", kind="memory"), value=1)

    ending = await running.ending()

    assert (ending.failure, ending.error.code) == (FailureKind.CRASH, "out_of_memory")


async def test_an_engine_beyond_its_memory_says_so(bench: Any, step: Any, tmp_path: Path) -> None:
    pl.DataFrame({"a": range(20_000)}).write_parquet(tmp_path / "a.parquet")
    running = await bench.start(step("explode"), frame=[str(tmp_path / "a.parquet")])

    ending = await running.ending()

    assert (ending.failure, ending.error.code) == (FailureKind.CRASH, "out_of_memory")


async def test_a_run_that_is_given_up_leaves_no_process(bench: Any, step: Any) -> None:
    running = await bench.start(step("beget"), step("wait", seconds=600))
    await running.first_word()
    (pid,) = running.values

    running.task.cancel()

    await gone(pid)


async def test_pure_steps_run_by_the_hundred_and_fail_by_themselves(
    tmp_path: Path, step: Any
) -> None:
    child = await warm(Settings(), tmp_path / "pure", pure=True)
    chains = [Chain(steps=[step("add", amount=1)], value=n) for n in range(100)]
    chains[7] = Chain(steps=[step("add", amount=1)], value="seven")

    await child.send(Batch(chains, str(tmp_path)))
    answers = await all_answers(child, 100)

    await child.close()
    failed = [n for n, answer in enumerate(answers) if isinstance(answer.ending, Failed)]
    assert failed == [7]
    assert [bytes(answer.outputs[0].value) for answer in answers[8:10]] == [b"9", b"10"]


PARENT = """
import asyncio, sys
from pathlib import Path
from tidemill_processor.process import Child
from tidemill_processor.settings import Settings

async def main():
    child = await Child.start(Settings(), Path(sys.argv[1]), pure=True)
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


async def gone(pid: int) -> None:
    """Wait until no process has this id; fails if that takes longer than any test waits."""
    try:
        await asyncio.to_thread(psutil.Process(pid).wait, PATIENCE_S)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        pytest.fail(f"process {pid} still lives")


async def all_answers(child: Child, count: int) -> list[Any]:
    answers: list[Any] = []
    while len(answers) < count and isinstance(word := await child.hear(), Answers):
        answers += word.items
    return answers
