"""Progress of a step, let out at most five times a second."""

import time
from collections.abc import Callable
from threading import Lock

from tidemill_processor.wire import Progressed

INTERVAL_S = 0.2


class Pace:
    """Holds back what comes too soon; `tick` lets the latest out once it is due.

    The step's thread calls `progress`, another one `tick`.
    """

    def __init__(self, step: str, say: Callable[[Progressed], None]) -> None:
        self._step = step
        self._say = say
        self._lock = Lock()
        self._latest: Progressed | None = None
        self._said: Progressed | None = None
        self._due = 0.0

    def progress(self, done: float, total: float | None, unit: str) -> None:
        self._latest = Progressed(step=self._step, done=done, total=total, unit=unit)
        if time.monotonic() >= self._due:
            self.tick()

    def tick(self) -> None:
        with self._lock:
            latest = self._latest
            if latest is None or latest == self._said or time.monotonic() < self._due:
                return
            self._say(latest)
            self._said = latest
            self._due = time.monotonic() + INTERVAL_S

    def last(self) -> Progressed | None:
        """The latest progress, said or not."""
        return self._latest
