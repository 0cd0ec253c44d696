"""For authors: a processor in a real child process, in one call, and what must hold for each."""

import asyncio
import inspect
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import msgspec
import narwhals as nw
from msgspec import UNSET, Raw, Struct

from tidemill_contracts.jobs import JobError
from tidemill_contracts.lines import LogLine
from tidemill_contracts.processors import Returns, Takes
from tidemill_contracts.work import Failed, WorkStep
from tidemill_processor import registry
from tidemill_processor.registry import SPEC, NotAProcessor, ProcessorSpec
from tidemill_processor.run import Cancelled, DataError, Run
from tidemill_processor.settings import Settings
from tidemill_processor.slots import Slots
from tidemill_processor.transcript import Transcript
from tidemill_processor.values import encode_value
from tidemill_processor.wire import Begin, Given, Progressed, StepDone, Word

PATIENCE_S = 60.0

type Processor = Callable[..., Any]


class Tried(Struct, kw_only=True):
    """What came of it: the frame as a Polars data frame, the error where it failed."""

    value: Any = None
    frame: Any = None
    artifacts: dict[str, bytes]
    progress: list[Progressed]
    lines: list[LogLine]
    error: JobError | None = None


def try_out(
    processor: Processor,
    given: Any = None,
    params: Mapping[str, Any] | None = None,
    *,
    checkpoint: Any = None,
) -> Tried:
    """Run a processor as a worker would: in a child process with limits and without credentials.

    `given` is a Polars frame or a dict of columns for one that takes a dataset, else JSON. Works
    with and without a running event loop.
    """
    spec = spec_of(processor)
    with TemporaryDirectory(prefix="tidemill-") as folder, ThreadPoolExecutor(1) as thread:
        trial = _Trial(spec, Path(folder))
        step = WorkStep(name=spec.name, processor=spec.name, params=dict(params or {}))
        return thread.submit(asyncio.run, trial.run(step, given, checkpoint)).result()


def spec_of(processor: Processor) -> ProcessorSpec:
    """What is known of a function that was made a processor."""
    spec = getattr(processor, SPEC, None)
    if not isinstance(spec, ProcessorSpec):
        raise NotAProcessor(f"{processor!r}: put @processor above it")
    return spec


def check(
    processor: Processor,
    given: Any = None,
    params: Mapping[str, Any] | None = None,
) -> None:
    """Raise AssertionError that lists what every processor must keep and this one does not.

    It returns what it says, the same each time, as JSON where it is a value; it takes frames of
    no row and of nulls alone, refusing them with DataError at worst; once cancelled it ends.
    """
    spec = spec_of(processor)
    named = dict(params or {})
    with TemporaryDirectory(prefix="tidemill-") as folder:
        examples = _Examples(spec, named, Path(folder))
        faults = [*examples.of_output(given), *examples.of_cancel(given)]
        if spec.takes is Takes.DATASET:
            faults += examples.of_scarce_frames(given)
    assert not faults, f"{spec.name}: " + "; ".join(faults)  # noqa: S101 - that is what it is for


class _Trial:
    """One run in a slot of its own; what was said is kept."""

    def __init__(self, spec: ProcessorSpec, folder: Path) -> None:
        self._spec = spec
        self._folder = folder
        self._words: list[Word] = []

    async def run(self, step: WorkStep, given: Any, checkpoint: Any) -> Tried:
        slots = Slots(self._settings())
        transcript = Transcript(1, [step.name])
        begin = Begin(
            steps=[step],
            given=self._given(given),
            attempt=1,
            folder=str(self._folder / "run"),
            checkpoint=checkpoint,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                slot = await slots.acquire()
                ended = await slot.run(begin, transcript, self._hear)
        finally:
            await slots.close()
        error = ended.ending.error if isinstance(ended.ending, Failed) else None
        return self._tried(transcript, error)

    async def _hear(self, word: Word) -> None:
        self._words.append(word)

    def _settings(self) -> Settings:
        """One slot; a processor that is not installed is found by its file."""
        paths = ""
        if self._spec.name not in registry.load():
            file = Path(inspect.getfile(self._spec.function))
            paths = str(self._folder / "own")
            Path(paths).mkdir()
            shutil.copy(file, paths)
        return Settings(
            slots=1,
            worker_name="trial",
            scratch_dir=str(self._folder / "scratch"),
            processor_paths=paths,
        )

    def _given(self, given: Any) -> Given:
        if self._spec.takes is not Takes.DATASET:
            return Given() if given is None else Given(value=Raw(msgspec.json.encode(given)))
        file = self._folder / "given.parquet"
        _polars(given).sink_parquet(file)
        return Given(frame=[str(file)])

    def _tried(self, transcript: Transcript, error: JobError | None) -> Tried:
        import polars as pl

        done = next((word for word in self._words if isinstance(word, StepDone)), None)
        parts = done.parts if done else None
        files = done.artifacts if done else {}
        return Tried(
            value=_value(done) if done else None,
            frame=pl.read_parquet([part.file for part in parts]) if parts else None,
            artifacts={name: Path(path).read_bytes() for name, path in files.items()},
            progress=[word for word in self._words if isinstance(word, Progressed)],
            lines=_lines(transcript),
            error=error,
        )


class _Examples:
    """Runs of a processor in this process, each told apart by what it is given."""

    def __init__(self, spec: ProcessorSpec, params: dict[str, Any], folder: Path) -> None:
        self._spec = spec
        self._params = params
        self._folder = folder

    def of_output(self, given: Any) -> list[str]:
        spec, faults = self._spec, list[str]()
        first, second = self._shown(given), self._shown(given)
        if (first[0] is not None) != (spec.returns in (Returns.DATASET, Returns.BOTH)):
            faults.append(f"it says that it returns {spec.returns}, and does not")
        if first != second:
            faults.append("two runs on the same input differ")
        return faults

    def of_scarce_frames(self, given: Any) -> list[str]:
        faults: list[str] = []
        frame = _polars(given)
        scarce = {"no row": frame.clear(), "one row": frame.head(1), "nulls": _nulls(frame)}
        for what, rows in scarce.items():
            try:
                self._shown(rows)
            except DataError:
                continue
            except Exception as error:  # noqa: BLE001 - a processor may raise anything
                faults.append(f"a frame of {what} ends in {type(error).__name__}: {error}")
        return faults

    def of_cancel(self, given: Any) -> list[str]:
        cancel = Event()
        cancel.set()
        try:
            self._shown(given, cancel)
        except Cancelled:
            return []
        except Exception as error:  # noqa: BLE001 - a processor may raise anything
            return [f"a cancel ends in {type(error).__name__}: {error}"]
        return []

    def _shown(self, given: Any, cancel: Event | None = None) -> tuple[Any, bytes | None]:
        """The rows and the JSON that it returned."""
        run = Run(self._folder, cancel=cancel)
        if self._spec.takes is Takes.DATASET:
            given = nw.from_native(_polars(given))
        output = self._spec.apply(given, self._params, run)
        rows = None
        if output.frame is not None:
            rows = repr(output.frame.collect().to_native().rows())
        return rows, encode_value(output.value)


def _polars(given: Any) -> Any:
    import polars as pl

    return given.lazy() if isinstance(given, pl.DataFrame | pl.LazyFrame) else pl.LazyFrame(given)


def _nulls(frame: Any) -> Any:
    import polars as pl

    schema = frame.collect_schema()
    return pl.LazyFrame({name: [None, None] for name in schema}, schema)


def _value(done: StepDone) -> Any:
    if done.value_file is not None:
        return msgspec.json.decode(Path(done.value_file).read_bytes())
    return None if done.value is UNSET else msgspec.json.decode(done.value)


def _lines(transcript: Transcript) -> list[LogLine]:
    transcript.end()
    while transcript.waiting:
        transcript.take()
    transcript.close()
    found: list[LogLine] = []
    while segment := transcript.segment():
        found += [msgspec.json.decode(line, type=LogLine) for line in segment]
    return found
