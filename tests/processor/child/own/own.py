"""Processors that show what a child process is and is not allowed."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tidemill_processor.registry import processor
from tidemill_processor.run import LazyFrame, Run


@processor
def shout(value: str) -> str:
    """Print a value, and return it in capitals."""
    sys.stdout.write(f"{value}\n")
    sys.stderr.write("no newline")
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
        "folder": str(Path.cwd()),
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
    run.log("made")
    return value * 300_000


@processor
def explode(frame: LazyFrame) -> LazyFrame:
    """Ask for more memory than there is, inside the engine."""
    return frame.join(frame, how="cross").sort("a_right", "a")


@processor
def misname(frame: LazyFrame) -> LazyFrame:
    """Ask for a column that is not there."""
    return frame.select("nowhere")


@processor
def length(value: str) -> int:
    """Count the characters."""
    return len(value)


@processor
def leave() -> None:
    """Try to end the process politely."""
    sys.exit(3)


@processor
def pause_after_progress(run: Run) -> None:
    """Report twice at once, then be silent for a while."""
    run.progress(1, 2)
    run.progress(2, 2)
    time.sleep(0.6)


@processor
def finish_anyway(run: Run) -> int:
    """See the cancel, and finish all the same."""
    run.progress(0)
    while not run.cancelled:
        time.sleep(0.01)
    return 1


@processor
def speak(value: str, run: Run) -> None:
    """Say a value in every way there is."""
    sys.stdout.write(f"{value} by Python\n")
    os.write(1, f"{value} by descriptor\n".encode())
    told = f"print({value!r}, 'by a process')"
    subprocess.run([sys.executable, "-c", told], check=True)  # noqa: S603 - our own words
    run.log(f"{value} by log", level="warning", words=1)
    os.write(2, f"{value} by stderr\n".encode())


@processor
def say_and_crash(run: Run) -> None:
    """Say something, then use memory that is not there."""
    run.log("the last remark")
    sys.stdout.write("the last line\n")
    ctypes.string_at(0)


@processor
def flood(value: int, run: Run) -> None:
    """Print so many MiB as fast as it can be, with the number of each MiB before it."""
    run.log("here it comes")
    block = (b"x" * 99 + b"\n") * (2**20 // 100)
    for number in range(value):
        os.write(1, f"MiB {number}\n".encode())
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(1, rest) :]


@processor
def log_a_lot(value: int, run: Run) -> None:
    """Log so many lines as fast as it can be."""
    for number in range(value):
        run.log("again", number=number)


@processor
def leave_a_thread() -> None:
    """Leave something behind that goes on printing."""
    threading.Thread(target=_mutter, daemon=True).start()


def _mutter() -> None:
    while True:
        os.write(1, b"a secret of the task before\n")
        time.sleep(0.001)


@processor
def leave_a_process() -> None:
    """Leave a process behind that goes on printing, and whose parent is gone."""
    script = "while sleep 0.01; do echo a secret of the task before; done"
    subprocess.run(["/bin/sh", "-c", f"({script}) &"], check=True)  # noqa: S603 - our own words
