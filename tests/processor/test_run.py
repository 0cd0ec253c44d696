"""What a processor sees of its run."""

import statistics
import threading
from pathlib import Path

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_processor.run import Cancelled, CheckpointTooLarge, Run


def test_progress_is_held_back_but_its_last_word_is_not_lost(tmp_path: Path) -> None:
    told: list[int] = []

    def note(done: int, _total: int | None, _unit: str) -> None:
        told.append(done)

    run = Run(tmp_path, on_progress=note, interval_s=60)

    for done in range(1, 1001):
        run.progress(done, 1000)
    run.flush()

    assert told == [1, 1000]


def test_progress_does_not_go_back(tmp_path: Path) -> None:
    told: list[int] = []

    def note(done: int, _total: int | None, _unit: str) -> None:
        told.append(done)

    run = Run(tmp_path, on_progress=note, interval_s=0)

    for done in (5, 3, 7):
        run.progress(done, 10)

    assert told == [5, 7]


def test_a_checkpoint_is_kept_encoded_and_bounded(tmp_path: Path) -> None:
    kept: list[bytes] = []
    run = Run(tmp_path, on_checkpoint=kept.append, checkpointed={"row": 3})

    run.checkpoint({"row": 4})
    with pytest.raises(CheckpointTooLarge):
        run.checkpoint("x" * 70_000)

    assert kept == [b'{"row":4}']
    assert run.checkpointed == {"row": 3}


def test_a_cancel_is_seen(tmp_path: Path) -> None:
    cancel = threading.Event()
    run = Run(tmp_path, cancel=cancel)

    cancel.set()

    assert run.cancelled
    with pytest.raises(Cancelled):
        run.stop_if_cancelled()


def test_an_artifact_is_a_file_below_the_scratch_folder(run: Run) -> None:
    run.artifact("profile.json").write_text("{}")

    assert run.artifacts["profile.json"].is_relative_to(run.scratch)
    for name in ("../profile.json", "/etc/passwd", "", "A b"):
        with pytest.raises(ValueError, match="file name"):
            run.artifact(name)


@given(
    st.lists(st.floats(-1e9, 1e9, width=32), min_size=2, max_size=50),
    st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_quantiles_are_those_of_numpy(values: list[float], quantiles: list[float]) -> None:
    frame = nw.from_native(pl.LazyFrame({"a": [*values, None, float("nan")]}))

    found = Run(Path()).quantiles(frame, ["a"], quantiles)

    assert found["a"] == pytest.approx(np.quantile(values, quantiles).tolist(), rel=1e-9, abs=1e-6)
    assert Run(Path()).quantiles(frame, ["a"], [0.5])["a"] == pytest.approx(
        [statistics.median(values)], rel=1e-9, abs=1e-6
    )


def test_a_column_without_values_has_no_quantiles(run: Run) -> None:
    frame = nw.from_native(pl.LazyFrame({"a": [None, float("nan")]}))

    found = run.quantiles(frame, ["a"], [0.5])

    assert found == {"a": [None]}
