"""What a child process gives up before it loads a processor."""

import ctypes
import fcntl
import os
import resource
import signal
from pathlib import Path

from msgspec import Struct

OPEN_FILES = 1_024
ORPHANED = 71
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


class Confinement(Struct, frozen=True, kw_only=True):
    """How a child process is started: its pipe, its limits and what it loads.

    One for pure steps alone need not listen for a cancel meanwhile; the frame engine is loaded
    ahead where tasks have come that may want it.
    """

    descriptor: int
    log_descriptor: int
    parent: int
    memory_bytes: int
    file_bytes: int
    nice: int
    paths: list[str]
    pure: bool
    frames: bool


def confine(to: Confinement) -> None:
    """Bind this process to its parent's life and to its limits; none can be raised again."""
    _die_with(to.parent)
    # what a task starts and leaves behind stays in sight, even where it was started by a child
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for descriptor in (to.descriptor, to.log_descriptor):
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    for limit, most in (
        (resource.RLIMIT_AS, to.memory_bytes),
        (resource.RLIMIT_FSIZE, to.file_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (lowest, lowest))
    # a write beyond the limit should be an OSError that names the file, not the end of the process
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def hide() -> None:
    """Keep other processes of this user from reading this one's memory and environment."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ORPHANED)


def stand_back(nice: int) -> None:
    """Leave the processor to whoever is in a hurry; done once loading is over."""
    os.nice(nice)
    try:
        # in a session of its own the niceness above counts only among its own processes
        Path("/proc/self/autogroup").write_text(str(nice))
    except OSError:
        return
