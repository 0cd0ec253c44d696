"""A child process: loads the processors once, then runs what it is sent, one thing at a time."""

import faulthandler
import os
import signal
import socket
import sys
import time
from pathlib import Path
from queue import SimpleQueue
from select import select
from threading import Lock, Thread, active_count
from typing import Any

import msgspec

from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.work import Failed
from tidemill_processor.confine import Confinement, confine, hide, stand_back
from tidemill_processor.remarks import Remarks
from tidemill_processor.wire import (
    HEAD,
    Answer,
    Answers,
    Batch,
    Begin,
    Broken,
    Cancel,
    Ended,
    Order,
    Ready,
    Word,
    frame,
)

TICK_S = 0.1
FLUSH_S = 0.005
PAGE = os.sysconf("SC_PAGE_SIZE")


class Pipe:
    """The child's end; several threads may write."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._lock = Lock()
        self._decoder = msgspec.json.Decoder(Order)

    def say(self, word: Word) -> None:
        packed = frame(word)
        with self._lock:
            self._socket.sendall(packed)

    def hear(self) -> Order:
        """The next order; where the parent is gone, this process and all it started end."""
        (length,) = HEAD.unpack(self._exactly(HEAD.size))
        return self._decoder.decode(self._exactly(length))

    def waits(self, seconds: float | None) -> bool:
        return bool(select([self._socket], [], [], seconds)[0])

    def _exactly(self, count: int) -> bytes:
        received = bytearray()
        while len(received) < count:
            chunk = self._socket.recv(count - len(received))
            if not chunk:
                os.killpg(0, signal.SIGKILL)
            received += chunk
        return bytes(received)


class Worker:
    """The main thread runs processors; another one listens, so that a cancel is heard meanwhile."""

    def __init__(self, pipe: Pipe, specs: Any, remarks: Remarks) -> None:
        self._pipe = pipe
        self._specs = specs
        self._remarks = remarks
        self._orders: SimpleQueue[Begin | Batch] = SimpleQueue()
        self._task: Any = None
        self._threads = 1

    def run_pure(self) -> None:
        """Without another thread: handing over takes longer than a pure step."""
        while True:
            order = self._pipe.hear()
            if isinstance(order, Batch):
                self._batch(order)

    def run(self) -> None:
        Thread(target=self._listen, daemon=True).start()
        self._threads = active_count()
        while True:
            order = self._orders.get()
            if isinstance(order, Begin):
                self._begin(order)
            else:
                self._batch(order)

    def _listen(self) -> None:
        while True:
            if self._pipe.waits(TICK_S if self._task is not None else None):
                self._take(self._pipe.hear())
            elif (task := self._task) is not None:
                task.tick()

    def _take(self, order: Order) -> None:
        from tidemill_processor.steps import Task

        if isinstance(order, Cancel):
            if (task := self._task) is not None:
                task.cancel.set()
            return
        if isinstance(order, Begin):
            # set here, so that a cancel right behind it finds the task
            self._task = Task(self._specs, order, self._pipe.say, self._remarks)
        self._orders.put(order)

    def _begin(self, _order: Begin) -> None:
        task = self._task
        ending = task.run()
        self._task = None
        self._remarks.flush()
        crashed = isinstance(ending, Failed) and ending.failure is FailureKind.CRASH
        # what goes on behind a task's back could speak in the name of the next one
        spent = crashed or active_count() > self._threads or has_children()
        self._pipe.say(Ended(ending=ending, rss=resident(), spent=spent))

    def _batch(self, order: Batch) -> None:
        from tidemill_processor.steps import run_pure

        answers: list[Answer] = []
        flushed = time.monotonic()
        for index, chain in enumerate(order.chains):
            answers.append(run_pure(self._specs, chain, Path(order.folder) / str(index)))
            if time.monotonic() - flushed > FLUSH_S:
                self._pipe.say(Answers(answers))
                answers, flushed = [], time.monotonic()
        self._pipe.say(Answers(answers, resident()))


def resident() -> int:
    """Bytes of memory that this process keeps."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def has_children() -> bool:
    """Whether a process that was started here has not been waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def load(confinement: Confinement) -> Any:
    """The processors, and the frame engine too where it is wanted ahead of the first task."""
    from tidemill_processor import frames, registry

    specs = registry.load([Path(each) for each in confinement.paths])
    if confinement.frames:
        frames.warm()
    return specs


def main() -> None:
    """Serve the parent named in the only argument until it closes the pipe."""
    confinement = msgspec.json.decode(sys.argv[1], type=Confinement)
    confine(confinement)
    faulthandler.enable()
    pipe = Pipe(confinement.descriptor)
    try:
        specs = load(confinement)
    except BaseException as error:
        pipe.say(Broken(f"{type(error).__name__}: {error}"))
        raise
    from tidemill_processor.registry import describe

    pipe.say(Ready([describe(spec) for spec in specs.values()]))
    stand_back(confinement.nice)
    hide()
    worker = Worker(pipe, specs, Remarks(confinement.log_descriptor))
    if confinement.pure:
        worker.run_pure()
    worker.run()


if __name__ == "__main__":
    main()
