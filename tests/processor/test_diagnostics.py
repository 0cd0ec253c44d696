"""The processors that misbehave as asked."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tidemill_processor.processors.diagnostics import (
    BurnCpu,
    Fail,
    Wait,
    burn_cpu,
    fail,
    noop,
    wait,
)
from tidemill_processor.run import Cancelled, DataError, Run, TransientError


def test_noop_returns_what_it_got() -> None:
    value = {"a": [1, None]}

    returned = noop(value)

    assert returned == value
    assert noop(None) is None


def test_wait_waits_with_progress_and_returns_its_input(tmp_path: Path) -> None:
    told: list[tuple[int, int | None, str]] = []

    def note(done: int, total: int | None, unit: str) -> None:
        told.append((done, total, unit))

    run = Run(tmp_path, on_progress=note, interval_s=0)

    began = time.monotonic()
    returned = wait("input", Wait(0.45), run)

    assert returned == "input"
    assert time.monotonic() - began >= 0.45
    assert told[0][1:] == told[-1][1:] == (450, "ms")
    assert [one[0] for one in told] == sorted({one[0] for one in told})
    assert told[-1][0] == 450


def test_a_cancel_ends_wait_at_once(tmp_path: Path) -> None:
    cancel = threading.Event()

    def note(_done: int, _total: int | None, _unit: str) -> None:
        cancel.set()

    run = Run(tmp_path, cancel=cancel, on_progress=note)

    began = time.monotonic()
    with pytest.raises(Cancelled):
        wait(None, Wait(60), run)

    assert time.monotonic() - began < 5


def test_burn_cpu_uses_processor_time() -> None:
    before = time.thread_time()

    returned = burn_cpu(1, BurnCpu(50))

    assert returned == 1
    assert time.thread_time() - before >= 0.05


@pytest.mark.parametrize(("kind", "error"), [("transient", TransientError), ("data", DataError)])
def test_fail_fails_only_in_its_first_attempts(
    kind: str, error: type[Exception], tmp_path: Path
) -> None:
    params = Fail(kind, attempts=2)  # pyright: ignore[reportArgumentType]

    for attempt in (1, 2):
        with pytest.raises(error):
            fail("input", params, Run(tmp_path, attempt=attempt))

    assert fail("input", params, Run(tmp_path, attempt=3)) == "input"


@pytest.mark.parametrize(("kind", "code"), [("crash", -9), ("memory", 77)])
def test_fail_can_take_its_process_along(kind: str, code: int, tmp_path: Path) -> None:
    script = f"""
import resource, sys
from pathlib import Path
from tidemill_processor.processors.diagnostics import Fail, fail
from tidemill_processor.run import Run
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
try:
    fail(None, Fail({kind!r}), Run(Path.cwd()))
except MemoryError:
    sys.exit(77)
"""

    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], cwd=tmp_path, check=False
    )

    assert done.returncode == code
