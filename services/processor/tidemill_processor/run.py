"""What a processor sees of its run: progress, log, cancel, checkpoint, scratch, and how to fail."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import narwhals as nw

from tidemill_contracts.lines import Level

LazyFrame = nw.LazyFrame[Any]
"""A lazy Narwhals frame, whatever engine is below it."""

CHECKPOINT_LIMIT = 64 * 1024
ARTIFACT_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class DataError(Exception):
    """The input or the parameters cannot be worked with; another attempt would end the same."""

    def __init__(self, message: str, *, code: str = "data_error", **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class TransientError(Exception):
    """Something was away for a moment; another attempt may succeed."""

    code = "transient"


class Retry(TransientError):
    """Another attempt may succeed, but not before `after` seconds."""

    def __init__(self, message: str = "asked to be run again", *, after: float) -> None:
        super().__init__(message)
        self.after = after


class Cancelled(Exception):
    """The run was asked to stop and does."""

    code = "cancelled"


class CheckpointTooLarge(ValueError):
    """A checkpoint holds more than 64 KiB."""


type Progress = Callable[[int, int | None, str], None]
type Quantiles = Callable[
    [LazyFrame, Sequence[str], Sequence[float]], dict[str, list[float | None]]
]
type Log = Callable[[Level, str, dict[str, Any]], None]


def _ignore(*_: Any) -> None:
    return None


class Run:
    """One attempt at one step; its sinks are plain callables, such as the writers of a pipe.

    `parts` are Parquet files below `scratch` that hold the returned frame already, in order.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        attempt: int = 1,
        source: Path | None = None,
        checkpointed: Any = None,
        cancel: threading.Event | None = None,
        on_progress: Progress = _ignore,
        on_log: Log = _ignore,
        on_checkpoint: Callable[[bytes], None] = _ignore,
        interval_s: float = 0.2,
        on_cluster: Quantiles | None = None,
    ) -> None:
        self.scratch = scratch
        self._on_cluster = on_cluster
        self.attempt = attempt
        self.source = source
        self.checkpointed = checkpointed
        self.artifacts: dict[str, Path] = {}
        self.parts: list[Path] = []
        self._cancel = cancel or threading.Event()
        self._on_progress = on_progress
        self._on_log = on_log
        self._on_checkpoint = on_checkpoint
        self._interval_s = interval_s
        self._reported: tuple[int, int | None, str] | None = None
        self._waiting: tuple[int, int | None, str] | None = None
        self._due = 0.0

    def progress(self, done: int, total: int | None = None, unit: str = "rows") -> None:
        """Tell how far the step is. Cheap: at most five a second leave; going back is ignored."""
        latest = self._waiting or self._reported
        if latest is not None and latest[2] == unit and done < latest[0]:
            return
        self._waiting = (done, total, unit)
        if time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Send the progress that was held back; whoever runs the processor calls it at the end."""
        if self._waiting is not None and self._waiting != self._reported:
            self._on_progress(*self._waiting)
            self._reported = self._waiting
            self._due = time.monotonic() + self._interval_s
        self._waiting = None

    def log(
        self,
        message: str,
        /,
        *,
        level: Literal["debug", "info", "warning", "error"] = "info",
        **fields: Any,
    ) -> None:
        """Add a line to the job's log: seen live and kept with it. Fields are JSON values."""
        self._on_log(Level(level), message, fields)

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop; then raise `Cancelled` soon."""
        return self._cancel.is_set()

    def stop_if_cancelled(self) -> None:
        """Raise `Cancelled` once the run was asked to stop."""
        if self._cancel.is_set():
            raise Cancelled("the run was cancelled")

    def pause(self, seconds: float) -> None:
        """Wait so long; a cancel ends the wait at once with `Cancelled`."""
        if self._cancel.wait(seconds):
            raise Cancelled("the run was cancelled")

    def checkpoint(self, state: Any) -> None:
        """Keep a JSON value of at most 64 KiB: the next attempt finds it as `checkpointed`."""
        encoded = msgspec.json.encode(state)
        if len(encoded) > CHECKPOINT_LIMIT:
            raise CheckpointTooLarge(f"{len(encoded)} bytes, at most {CHECKPOINT_LIMIT} are kept")
        self._on_checkpoint(encoded)

    def artifact(self, name: str) -> Path:
        """A path to write to; the file is kept beside the step's result under this name."""
        if not ARTIFACT_NAME.fullmatch(name):
            raise ValueError(f"not a plain lower-case file name: {name!r}")
        folder = self.scratch / "artifacts"
        folder.mkdir(parents=True, exist_ok=True)
        self.artifacts[name] = folder / name
        return self.artifacts[name]

    def quantiles(
        self, frame: LazyFrame, columns: Sequence[str], quantiles: Sequence[float]
    ) -> dict[str, list[float | None]]:
        """Exact quantiles of each column, None where it has no values; null and NaN do not count.

        Between two order statistics it interpolates linearly: type 7 of Hyndman & Fan (1996),
        as numpy and R do. One pass for each column, so memory holds one column at a time; on a
        Dask cluster two passes of counting for all columns, and memory holds no column.
        """
        if self._on_cluster is not None and frame.implementation.is_dask():
            return self._on_cluster(frame, columns, quantiles)
        found: dict[str, list[float | None]] = {}
        for column in columns:
            self.stop_if_cancelled()
            value = nw.col(column).cast(nw.Float64())
            present = nw.when(~value.is_nan()).then(value)
            row = frame.select(
                present.quantile(quantile, interpolation="linear").alias(str(index))
                for index, quantile in enumerate(quantiles)
            ).collect()
            found[column] = [row.item(0, str(index)) for index in range(len(quantiles))]
        return found
