"""The data folder's lock, and the file that tells other commands what runs on it."""

import fcntl
import os
import select
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tidemill_stack.credentials import write_private
from tidemill_stack.errors import DataInUse, NotRunning

STATE_FILE = "stack.json"
LOCK_FILE = "lock"
LEFTOVER_S = 10.0
_START_TIME = 19


class Holder(Struct, frozen=True):
    """Who holds the lock."""

    pid: int
    since: datetime
    url: str


class Running(Struct, frozen=True, kw_only=True):
    """A process of the stack; `started_ticks` tells it from a later one with the same pid."""

    name: str
    pid: int | None
    started_ticks: int
    port: int
    restarts: int
    state: str
    since: datetime


class State(Struct, frozen=True, kw_only=True):
    """What runs on a data folder."""

    supervisor: Holder
    ports: dict[str, int] = field(default_factory=dict[str, int])
    urls: dict[str, str] = field(default_factory=dict[str, str])
    components: list[Running] = field(default_factory=list[Running])


class Lock:
    """Holds a data folder for as long as this process lives; DataInUse tells who has it already."""

    def __init__(self, data: Path) -> None:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(data / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        if not _flock(self._file):
            os.close(self._file)
            raise DataInUse(_in_use(data, _holder(data)))
        os.ftruncate(self._file, 0)

    def tell(self, url: str) -> Holder:
        """Leave word for whoever wants the folder too."""
        holder = Holder(os.getpid(), datetime.now(UTC), url)
        os.pwrite(self._file, msgspec.json.encode(holder), 0)
        return holder

    def release(self) -> None:
        os.ftruncate(self._file, 0)
        os.close(self._file)


def running(data: Path) -> State:
    """The state of the stack that runs there; NotRunning where none does."""
    lock = data / LOCK_FILE
    if not lock.exists():
        raise NotRunning(f"nothing runs on {data}")
    file = os.open(lock, os.O_RDWR)
    try:
        if _flock(file):
            raise NotRunning(f"nothing runs on {data}")
    finally:
        os.close(file)
    state = read(data)
    holder = _holder(data)
    if holder is None:
        raise NotRunning(f"a stack is just starting or stopping on {data}")
    current = state is not None and state.supervisor.pid == holder.pid
    return state if state is not None and current else State(supervisor=holder)


def read(data: Path) -> State | None:
    """The state as last written, whether or not anything still runs."""
    try:
        return msgspec.json.decode((data / STATE_FILE).read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def write(data: Path, state: State) -> None:
    write_private(data / STATE_FILE, msgspec.json.format(msgspec.json.encode(state), indent=2))


def end_leftovers(data: Path) -> list[str]:
    """End children of a stack that was killed; answers the names of those that had to be killed."""
    before = read(data)
    killed: list[str] = []
    for child in before.components if before else []:
        if child.pid is None or started_ticks(child.pid) != child.started_ticks:
            continue
        if not has_ended(child.pid, LEFTOVER_S):
            killed.append(child.name)
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            has_ended(child.pid, LEFTOVER_S)
    return killed


def has_ended(pid: int, within_s: float) -> bool:
    """Wait until a process that need not be our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


def started_ticks(pid: int) -> int:
    """When a process began, in clock ticks since boot; 0 where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[_START_TIME])


def _flock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(data: Path) -> Holder | None:
    try:
        return msgspec.json.decode((data / LOCK_FILE).read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None


def _in_use(data: Path, holder: Holder | None) -> str:
    if holder is None:
        return f"{data} is in use by a stack that is just starting or stopping"
    since = holder.since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{data} is in use by process {holder.pid} since {since}; its address is {holder.url}"
