"""A child process as the supervisor sees it."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
import structlog
from msgspec import UNSET

from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError
from tidemill_contracts.lines import LineStream
from tidemill_contracts.processors import ProcessorInfo
from tidemill_contracts.work import Failed
from tidemill_processor.confine import Confinement
from tidemill_processor.lines import Lines
from tidemill_processor.pipes import Hear, Pipes
from tidemill_processor.settings import MEGABYTE, Settings
from tidemill_processor.wire import HEAD, Broken, Order, Ready, Word, frame

log = structlog.get_logger()

START_S = 60.0
FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 30.0
PIPE_BYTES = 1024 * 1024
MURMURED_LINES = 1_000
_decoder = msgspec.json.Decoder(Word)


class ChildUnusable(RuntimeError):
    """The child process did not start, or its processors could not be loaded."""


class Child:
    """A warm process in a session of its own; `processors` is what it has loaded."""

    def __init__(self, process: Process, pipe: socket.socket, pipes: Pipes) -> None:
        self.pid = process.pid
        self.processors: list[ProcessorInfo] = []
        self.tasks = 0
        self.started_at = time.monotonic()
        self._process = process
        self._pipe = pipe
        self._pipes = pipes
        self._killed_before = _killed_for_memory()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @classmethod
    async def start(
        cls,
        settings: Settings,
        folder: Path,
        *,
        pure: bool = False,
        frames: bool = False,
    ) -> Self:
        """Start a process and wait until it has loaded its processors.

        What it prints goes to this service's own log, until somebody listens.
        """
        ours, theirs = socket.socketpair()
        pipes = Pipes()
        pipes.listen(_murmur(folder))
        writing = pipes.writing
        descriptors = theirs.fileno(), writing[LineStream.LOG]
        confinement = _confinement(settings, *descriptors, pure=pure, frames=frames)
        with theirs:
            # isolated mode: neither the folder it stands in nor the environment adds modules
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-X", "utf8", "-u", "-m", "tidemill_processor.child"),
                msgspec.json.encode(confinement).decode(),
                cwd=folder,
                env=settings.child_environment(folder),
                stdin=DEVNULL,
                stdout=writing[LineStream.STDOUT],
                stderr=writing[LineStream.STDERR],
                pass_fds=descriptors,
                start_new_session=True,
            )
        pipes.started()
        child = cls(process, ours, pipes)
        try:
            await child._meet()
        except BaseException:
            await child.close()
            raise
        return child

    async def _meet(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            sock=self._pipe, limit=PIPE_BYTES
        )
        async with asyncio.timeout(START_S):
            word = await self.hear()
        if not isinstance(word, Ready):
            reason = word.reason if isinstance(word, Broken) else "it ended at once"
            self._pipes.drain()
            raise ChildUnusable(f"{reason}; {' | '.join(self._pipes.recent.splitlines())}")
        self.processors = word.processors

    async def send(self, order: Order) -> None:
        """Hand over an order; whether the child still lives, `hear` tells."""
        with suppress(ConnectionError):
            self._writer.write(frame(order))
            await self._writer.drain()

    async def hear(self) -> Word | None:
        """The child's next word; None once it is gone."""
        try:
            (length,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
            return _decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def listen(self, heard: Hear | None) -> None:
        """Who hears what it prints and logs from now on."""
        self._pipes.listen(heard)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and all it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def close(self) -> None:
        """End the child and all it started, and wait for it."""
        self.signal(signal.SIGKILL)
        await self._process.wait()
        self._pipes.close()
        if hasattr(self, "_writer"):
            self._writer.close()
        else:
            self._pipe.close()

    async def crash(self) -> Failed:
        """Why the child is gone: the end of the attempt it was at."""
        code = await self._process.wait()
        self._pipes.drain()
        said = self._pipes.recent
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        short = "memory allocation of" in said or "MemoryError" in said
        if short or (code == -signal.SIGKILL and _killed_for_memory() > self._killed_before):
            code, message = "out_of_memory", f"the process ran out of memory ({how})"
        else:
            code, message = "child_crashed", f"the process ended with {how}"
        error = JobError(code=code, message=message, traceback=said or UNSET)
        return Failed(failure=FailureKind.CRASH, error=error)


def _murmur(folder: Path) -> Hear:
    """Listens on behalf of this service's log, to no more than 1,000 lines."""
    lines, left = Lines(), MURMURED_LINES

    def hear(_: LineStream, chunk: bytes) -> None:
        nonlocal left
        if left > 0:
            lines.feed(chunk, time.time(), 0)
            for piece in lines.take(left, PIPE_BYTES):
                log.info(
                    "child.printed", child=folder.name, line=piece.text.decode(errors="replace")
                )
                left -= 1

    return hear


def _confinement(
    settings: Settings,
    descriptor: int,
    log_descriptor: int,
    *,
    pure: bool,
    frames: bool,
) -> Confinement:
    return Confinement(
        descriptor=descriptor,
        log_descriptor=log_descriptor,
        parent=os.getpid(),
        memory_bytes=settings.child_memory_mb * MEGABYTE,
        file_bytes=settings.child_file_mb * MEGABYTE,
        # pure steps are tiny, and somebody waits for each
        nice=0 if pure else settings.child_nice,
        paths=[str(each) for each in settings.paths],
        pure=pure,
        frames=frames,
    )


async def warm(
    settings: Settings,
    folder: Path,
    *,
    pure: bool = False,
    frames: bool = False,
) -> Child:
    """A child that is ready, in an empty folder, however many starts it takes."""
    back_off = FIRST_BACK_OFF_S
    while True:
        try:
            await asyncio.to_thread(_empty, folder)
            return await Child.start(settings, folder, pure=pure, frames=frames)
        except (ChildUnusable, OSError, TimeoutError) as error:
            log.warning("child.start_failed", folder=folder.name, reason=str(error))
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, LONGEST_BACK_OFF_S)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _killed_for_memory() -> int:
    """How many processes the kernel has ended since boot because memory ran out."""
    for line in Path("/proc/vmstat").read_text().splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return 0
