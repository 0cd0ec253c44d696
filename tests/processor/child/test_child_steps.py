"""Steps in real child processes: what flows between them and what is told of them."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.work import Succeeded
from tidemill_processor.wire import Checkpointed, Progressed, StepDone


async def test_each_step_gets_what_the_one_before_returned(bench: Any, step: Any) -> None:
    steps = step("add", amount=5), step("multiply", factor=2), step("subtract", amount=10)

    running = await bench.run(*steps, value=10)

    assert running.values == [15, 30, 20]
    assert await running.ending() == Succeeded()


async def test_a_step_that_returns_nothing_passes_its_input_on(bench: Any, step: Any) -> None:
    running = await bench.run(step("forget"), step("reverse_string"), value="abc")

    assert [done.step for done in running.of(StepDone)] == ["forget", "reverse_string"]
    assert running.values == ["cba"]


async def test_each_runs_once_for_every_element(bench: Any, step: Any) -> None:
    running = await bench.run(step("add", each=True, amount=1), value=[1, 2.5, 3])

    assert running.values == [[2, 3.5, 4]]


@pytest.mark.parametrize("value", [7, list(range(1_001))])
async def test_each_refuses_what_is_no_short_list(bench: Any, step: Any, value: Any) -> None:
    running = await bench.start(step("add", each=True, amount=1), value=value)

    ending = await running.ending()

    assert (ending.failure, ending.error.code) == (FailureKind.DATA, "invalid_value")


async def test_a_frame_is_read_from_all_its_parts_and_written(
    bench: Any, step: Any, tmp_path: Path
) -> None:
    files = [str(tmp_path / f"{n}.parquet") for n in range(2)]
    for n, file in enumerate(files):
        pl.DataFrame({"a": [n, n + 10], "b": ["x", "y"]}).write_parquet(file)

    running = await bench.run(step("select_columns", columns=["a"]), frame=files)

    (done,) = running.of(StepDone)
    assert (done.columns, [part.rows for part in done.parts]) == (1, [4])
    assert pl.read_parquet(done.parts[0].file)["a"].to_list() == [0, 10, 1, 11]


async def test_a_value_step_in_between_lets_the_frame_through(
    bench: Any, step: Any, tmp_path: Path
) -> None:
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet(tmp_path / "a.parquet")
    steps = step("random_number"), step("select_columns", columns=["a"])

    running = await bench.run(*steps, frame=[str(tmp_path / "a.parquet")])

    assert [part.rows for part in running.of(StepDone)[1].parts] == [3]


async def test_a_column_that_is_missing_is_a_fault_of_the_data(
    bench: Any, step: Any, tmp_path: Path
) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    running = await bench.start(step("misname"), frame=[str(tmp_path / "a.parquet")])

    ending = await running.ending()

    assert ending.failure is FailureKind.DATA


async def test_a_large_value_and_artifacts_are_left_in_files(bench: Any, step: Any) -> None:
    running = await bench.run(step("repeat"), value="ab")

    (done,) = running.of(StepDone)
    assert json.loads(read(done.value_file)) == "ab" * 300_000
    assert read(done.artifacts["notes.txt"]) == "kept"


async def test_a_large_value_flows_on(bench: Any, step: Any) -> None:
    running = await bench.run(step("repeat"), step("length"), value="ab")

    assert running.values == [600_000]


async def test_params_that_do_not_fit_are_a_fault_of_the_data(bench: Any, step: Any) -> None:
    running = await bench.start(step("add", amount="five"), value=1)

    ending = await running.ending()

    assert (ending.failure, ending.error.step) == (FailureKind.DATA, "add")


async def test_a_transient_failure_tells_type_and_traceback(bench: Any, step: Any) -> None:
    running = await bench.start(step("fail", kind="transient"), value=1)

    ending = await running.ending()

    assert ending.failure is FailureKind.TRANSIENT
    assert ending.error.type == "TransientError"
    assert "diagnostics.py" in ending.error.traceback


async def test_a_step_that_leaves_by_exit_has_failed(bench: Any, step: Any) -> None:
    running = await bench.start(step("leave"))

    ending = await running.ending()

    assert (ending.failure, ending.error.type) == (FailureKind.TRANSIENT, "SystemExit")


async def test_progress_leaves_five_times_a_second_and_its_last_is_kept(
    bench: Any, step: Any
) -> None:
    began = time.monotonic()

    running = await bench.run(step("hurry"))

    said = [word.done for word in running.of(Progressed)]
    assert said == sorted(set(said))
    assert len(said) <= 2 + (time.monotonic() - began) * 5
    assert running.of(StepDone)[0].progress.done == 20_000


async def test_progress_that_was_held_back_leaves_before_the_step_ends(
    bench: Any, step: Any
) -> None:
    running = await bench.start(step("pause_after_progress"))

    await running.ending()

    assert [word.done for word in running.of(Progressed)] == [1, 2]


async def test_a_checkpoint_is_told_and_found_again(bench: Any, step: Any) -> None:
    running = await bench.run(step("remember"), checkpoint={"at": 6})

    assert [msgspec.json.decode(word.state) for word in running.of(Checkpointed)] == [{"at": 7}]
    assert running.values == [{"at": 6}]


async def test_what_is_printed_becomes_log_lines_of_the_job(bench: Any, step: Any) -> None:
    running = await bench.run(step("shout"), value="hi")

    lines = [(line.stream, line.text, line.step) for line in running.said()]
    assert lines == [("stdout", "hi", "shout"), ("stderr", "no newline", "shout")]


def read(file: str) -> str:
    return Path(file).read_text()
