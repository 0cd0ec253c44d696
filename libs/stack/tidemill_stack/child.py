"""Keeps one process of the stack alive: start, ask until it answers, start again when it ends."""

import asyncio
import os
import signal
import sys
from asyncio import Task
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from tidemill_stack.component import Component
from tidemill_stack.errors import NotReady, StartFailed, StoreOpen
from tidemill_stack.state import Running, started_ticks

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
STEADY_S = 60.0
ASK_FIRST_S = 0.05
ASK_AT_LEAST_EVERY_S = 0.25
FAILED_STARTS = 3
MAX_LOG_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 2_000
LAUNCH = Path(__file__).parent / "launch.py"


class Child:
    """A supervised process; its port stays the same however often it is started."""

    def __init__(self, component: Component, logs: Path, changed: Callable[[], None]) -> None:
        self.component = component
        self.restarts = 0
        self.pid: int | None = None
        self.state = "starting"
        self._since = datetime.now(UTC)
        self._ticks = 0
        self._log = logs / f"{component.name}.log"
        self._changed = changed
        self._news = asyncio.Condition()
        self._failure: Exception | None = None
        self._process: Process | None = None
        self._task: Task[None] | None = None

    def start(self) -> None:
        rotate(self._log)
        self._task = asyncio.create_task(self._keep(), name=self.component.name)

    async def ready(self, within_s: float, *, instead_of: int | None = None) -> int:
        """Wait until a process answers (and is not the one with the pid given): its pid."""
        last: Exception | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._news:
                while self._failure is None:
                    if self.state == "running" and self.pid not in (None, instead_of):
                        return self.pid
                    await self._news.wait()
        last = self._failure
        reason = f": {last}" if last else f" within {within_s:.0f} s"
        raise StartFailed(f"{self.component.name} did not start{reason}\n{self.tail()}")

    def send(self, number: signal.Signals) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)

    async def restart(self) -> None:
        """End the process gently; the supervision starts the next at once."""
        if self._process is not None and self.pid is not None:
            await self._end(self._process)

    async def stop(self) -> None:
        """End the process and everything it started, with force where it does not end by itself."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        if self._process is not None and self._process.returncode is None:
            await self._end(self._process)
        self._clear()
        await self._tell("stopped", None)

    def running(self) -> Running:
        return Running(
            name=self.component.name,
            pid=self.pid,
            started_ticks=self._ticks,
            port=self.component.port,
            restarts=self.restarts,
            state=self.state,
            since=self._since,
        )

    def tail(self) -> str:
        """The end of its log."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - TAIL_BYTES))
            return log.read().decode(errors="replace").strip()

    async def _keep(self) -> None:
        delay, answered = FIRST_DELAY_S, False
        while True:
            began = monotonic()
            await self._run()
            answered = answered or self.state == "running"
            self.restarts += 1
            if not answered and self.restarts >= FAILED_STARTS:
                self._failure = NotReady(f"it ended {self.restarts} times")
            await self._tell("restarting", None)
            delay = FIRST_DELAY_S if monotonic() - began > STEADY_S else delay
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    async def _run(self) -> None:
        """One life of the process, asked until it answers."""
        self._clear()
        process = await self._spawn()
        asking = asyncio.create_task(self._ask())
        try:
            await process.wait()
        finally:
            asking.cancel()

    async def _spawn(self) -> Process:
        component = self.component
        rights = "NEVER_ROOT" if component.never_root else "AS_IS"
        launch = [sys.executable, "-I", "-S", str(LAUNCH), str(int(component.orphan_signal))]
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *launch,
                str(os.getpid()),
                rights,
                str(component.folder),
                *component.command,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                env=component.environment,
                cwd=component.folder,
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._ticks = started_ticks(self._process.pid)
        await self._tell("starting", self._process.pid)
        return self._process

    async def _ask(self) -> None:
        pause = ASK_FIRST_S
        while True:
            try:
                await self.component.ready()
            except NotReady:
                await asyncio.sleep(pause)
                pause = min(pause * 1.2, ASK_AT_LEAST_EVERY_S)
            except StoreOpen as error:
                self._failure = error
                await self._tell("failed", self.pid)
                return
            else:
                await self._tell("running", self.pid)
                return

    async def _tell(self, state: str, pid: int | None) -> None:
        async with self._news:
            self.state, self.pid, self._since = state, pid, datetime.now(UTC)
            self._news.notify_all()
        self._changed()

    async def _end(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(self.component.stop_signal)
        try:
            async with asyncio.timeout(self.component.stop_s):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _clear(self) -> None:
        """Nothing is left of an ended process: neither one that it started nor a socket file."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for file in self.component.litter:
            file.unlink(missing_ok=True)


def rotate(log: Path) -> None:
    """Keep one earlier log once a log has grown large."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.rename(log.with_suffix(".log.1"))
