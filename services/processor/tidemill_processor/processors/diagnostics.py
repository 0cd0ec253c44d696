"""Processors that behave in a known way, good or bad: for tests, benchmarks and drills."""

import os
import resource
import signal
import threading
import time
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tidemill_processor.registry import processor
from tidemill_processor.run import DataError, Run, TransientError

BLOCK = 16 * 2**20


class Wait(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: Annotated[float, Meta(ge=0, le=86_400)]


class BurnCpu(Struct, frozen=True, forbid_unknown_fields=True):
    milliseconds: Annotated[int, Meta(ge=0, le=3_600_000)]


class Fail(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["transient", "data", "crash", "memory", "hang"]
    attempts: Annotated[int, Meta(ge=0)] = 1


@processor(pure=True, hidden=True)
def noop(value: Any) -> Any:
    """Return the input, whatever it is, none included."""
    return value


@processor(hidden=True)
def wait(value: Any, params: Wait, run: Run) -> Any:
    """Wait for some seconds with progress, then return the input; a cancel ends it at once."""
    started = time.monotonic()
    total = round(params.seconds * 1000)
    run.log(f"waiting for {params.seconds:g} s", seconds=params.seconds)
    while (left := started + params.seconds - time.monotonic()) > 0:
        run.progress(min(total, round((params.seconds - left) * 1000)), total, "ms")
        run.pause(min(left, 0.2))
    run.progress(total, total, "ms")
    run.log("waited")
    return value


@processor(hidden=True)
def burn_cpu(value: Any, params: BurnCpu) -> Any:
    """Use so much processor time without ever looking at cancel, then return the input."""
    until = time.thread_time() + params.milliseconds / 1000
    while time.thread_time() < until:
        pass
    return value


@processor(hidden=True)
def fail(value: Any, params: Fail, run: Run) -> Any:
    """Fail in a chosen way in the first `attempts` attempts, then return the input.

    `crash` kills the process, `memory` allocates up to the process's limit, `hang` waits for ever
    and ignores a cancel.
    """
    if run.attempt > params.attempts:
        run.log(f"attempt {run.attempt} succeeds", failures=params.attempts)
        return value
    message = f"failed as asked, attempt {run.attempt} of {params.attempts}"
    run.log(f"about to fail: {params.kind}", level="warning", attempt=run.attempt)
    match params.kind:
        case "transient":
            raise TransientError(message)
        case "data":
            raise DataError(message, code="asked_to_fail")
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            _exhaust()
        case "hang":
            pass
    return threading.Event().wait()


def _exhaust() -> None:
    """Allocate until the address space's limit; without one only pretend not to get more."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        raise MemoryError
    kept: list[bytearray] = []
    while len(kept) * BLOCK <= limit:
        kept.append(bytearray(BLOCK))
    raise MemoryError
