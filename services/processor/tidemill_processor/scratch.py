"""The worker's own folder: inputs kept by their sha256, and one folder for each run."""

import asyncio
import fcntl
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO
from uuid import UUID

from tidemill_contracts.ids import uuid7
from tidemill_kit.errors import Conflict, Invalid


class WorkerNameTaken(Conflict):
    """Another worker of this name runs on this machine."""


class IntegrityBroken(Invalid):
    """The stored object is not what was recorded."""


class Scratch:
    """The folders below the worker's own; what an earlier process left there is removed."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._lock = _lock(folder)
        for old in folder.iterdir():
            if old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
        self._runs = folder / "runs"
        self._runs.mkdir()
        self.inputs = Inputs(folder / "inputs", limit_bytes)

    def run(self, run_id: UUID) -> Path:
        """The folder of a run, made by whoever writes to it first."""
        return self._runs / run_id.hex

    async def remove(self, run_id: UUID) -> None:
        if self.run(run_id).exists():
            await asyncio.to_thread(shutil.rmtree, self.run(run_id), ignore_errors=True)

    def close(self) -> None:
        self._lock.close()


class Inputs:
    """Files by sha256, the longest unused removed for new ones; those in use stay."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._folder.mkdir()
        self._limit = limit_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._users: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def hold(self, sha256: str, fetch: Callable[[Path], Awaitable[str]]) -> Path:
        """The file of this digest, fetched if it is not here; it stays until it is let go.

        Raises IntegrityBroken where what was fetched has another digest.
        """
        path = self._folder / sha256
        self._users[sha256] = self._users.get(sha256, 0) + 1
        lock = self._locks.setdefault(sha256, asyncio.Lock())
        try:
            async with lock:
                if sha256 not in self._sizes:
                    self._sizes[sha256] = await self._fetch(path, sha256, fetch)
        except BaseException:
            self.let_go(sha256)
            raise
        self._sizes.move_to_end(sha256)
        self._shrink()
        return path

    def let_go(self, sha256: str) -> None:
        self._users[sha256] -= 1
        if self._users[sha256] == 0:
            del self._users[sha256]
            self._locks.pop(sha256, None)
            self._shrink()

    async def _fetch(self, path: Path, sha256: str, fetch: Callable[[Path], Awaitable[str]]) -> int:
        coming = path.with_name(f"coming-{uuid7().hex}")
        try:
            if (found := await fetch(coming)) != sha256:
                raise IntegrityBroken(f"sha256 is {found}, recorded is {sha256}")
            coming.chmod(0o444)
            size = coming.stat().st_size
            coming.rename(path)
        finally:
            coming.unlink(missing_ok=True)
        return size

    def _shrink(self) -> None:
        total = sum(self._sizes.values())
        for sha256 in [each for each in self._sizes if each not in self._users]:
            if total <= self._limit:
                return
            total -= self._sizes.pop(sha256)
            (self._folder / sha256).unlink(missing_ok=True)


def _lock(folder: Path) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise WorkerNameTaken(f"{folder} is in use; set TM_WORKER_NAME") from error
    return lock
