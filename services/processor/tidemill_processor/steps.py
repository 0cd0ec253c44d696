"""Running the steps of a task, inside a child process."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, assert_never

import msgspec
from msgspec import UNSET, Raw, Struct

from tidemill_contracts.processors import Returns, Takes
from tidemill_contracts.work import MAX_INLINE_BYTES, Failed, Stopped, Succeeded, WorkStep
from tidemill_processor import frames
from tidemill_processor.cluster import Cluster
from tidemill_processor.failures import failure
from tidemill_processor.pace import Pace
from tidemill_processor.registry import Output, ProcessorSpec
from tidemill_processor.remarks import Remarks
from tidemill_processor.run import Cancelled, DataError, LazyFrame, Run
from tidemill_processor.values import encode_value
from tidemill_processor.wire import (
    Answer,
    Begin,
    Chain,
    Checkpointed,
    Given,
    Linked,
    OnCluster,
    StepDone,
    Word,
)

MAX_ELEMENTS = 1_000
MAX_CHAIN_BYTES = 512 * 1024

type Specs = Mapping[str, ProcessorSpec]


class Context(Struct):
    """What flows from step to step; the value is JSON, so a resumed chain gets the same.

    A frame lies in files, or in the object store for a cluster to read.
    """

    value: bytes | None = None
    frame: list[str] | None = None
    source: str | None = None
    on_cluster: OnCluster | None = None
    cluster: Cluster | None = None


class Task:
    """One run of a task's steps; `cancel` is set and `tick` called from another thread."""

    def __init__(
        self, specs: Specs, begin: Begin, say: Callable[[Word], None], remarks: Remarks
    ) -> None:
        self.cancel = Event()
        self._specs = specs
        self._begin = begin
        self._say = say
        self._remarks = remarks
        self._pace: Pace | None = None

    def tick(self) -> None:
        """Let out the progress that was held back; called a few times a second."""
        if (pace := self._pace) is not None:
            pace.tick()

    def run(self) -> Succeeded | Failed | Stopped:
        """Run all steps, telling of each that is done."""
        context = _context(self._begin.given)
        if (on_cluster := self._begin.cluster) is None:
            return self._run(context)
        try:
            cluster = Cluster(on_cluster.scheduler, self.cancel)
        except Exception as error:  # noqa: BLE001 - a library of others connects
            return failure(error, self._begin.steps[0].name)
        context.on_cluster, context.cluster = on_cluster, cluster
        try:
            with cluster.computing():
                return self._run(context)
        finally:
            cluster.close()

    def _run(self, context: Context) -> Succeeded | Failed | Stopped:
        checkpoint = self._begin.checkpoint
        for index, step in enumerate(self._begin.steps):
            # a cancel that comes during the last step and is not heeded there is too late
            if self.cancel.is_set():
                return Stopped()
            if index:
                self._remarks.next_step()
            try:
                self._say(self._step(index, step, context, checkpoint))
            except Cancelled:
                return Stopped()
            except BaseException as error:  # noqa: BLE001 - a processor may raise anything
                return failure(error, step.name)
            finally:
                self._pace = None
            checkpoint = None
        return Succeeded()

    def _step(self, index: int, step: WorkStep, context: Context, checkpoint: Any) -> StepDone:
        spec = find(self._specs, step)
        folder = Path(self._begin.folder) / f"{index:02d}"
        if spec.wants_run:
            folder.mkdir(parents=True)
        pace = self._pace = Pace(step.name, self._say)
        run = Run(
            folder,
            attempt=self._begin.attempt,
            source=Path(context.source) if context.source else None,
            checkpointed=checkpoint,
            cancel=self.cancel,
            on_progress=pace.progress,
            on_log=partial(self._remarks.write, step.name),
            on_checkpoint=lambda state: self._say(Checkpointed(Raw(state))),
            interval_s=0,
            on_cluster=context.cluster.quantiles if context.cluster else None,
        )
        output = apply(spec, step, context, run)
        done = _keep(
            spec, step.name, output, folder, context, ready=run.parts, progress=pace.progress
        )
        return msgspec.structs.replace(
            done,
            artifacts={name: str(path) for name, path in run.artifacts.items() if path.exists()},
            progress=pace.last(),
        )


def run_pure(specs: Specs, chain: Chain, folder: Path) -> Answer:
    """Run a chain of pure steps; values too large to send are written below `folder`."""
    outputs: list[StepDone] = []
    context = Context(msgspec.json.encode(chain.value))
    room = MAX_CHAIN_BYTES
    for index, step in enumerate(chain.steps):
        place = folder / str(index)
        try:
            spec = find(specs, step)
            output = apply(spec, step, context, Run(place))
            done = _keep(spec, step.name, output, place, context, inline=room)
        except BaseException as error:  # noqa: BLE001 - a processor may raise anything
            return Answer(outputs, failure(error, step.name))
        room -= 0 if done.value is UNSET else len(bytes(done.value))
        outputs.append(done)
    return Answer(outputs, Succeeded())


def find(specs: Specs, step: WorkStep) -> ProcessorSpec:
    if (spec := specs.get(step.processor)) is None:
        raise DataError(f"there is no processor {step.processor!r}", code="processor_unknown")
    return spec


def apply(spec: ProcessorSpec, step: WorkStep, context: Context, run: Run) -> Output:
    """Call the processor with the part of the context that it takes."""
    if step.each:
        return _each(spec, step, context, run)
    match spec.takes:
        case Takes.NOTHING:
            return spec.apply(None, step.params, run)
        case Takes.VALUE:
            return spec.apply(_decoded(context), step.params, run)
        case Takes.DATASET:
            return spec.apply(_scan(spec, context), step.params, run)
        case _:
            assert_never(spec.takes)


def _scan(spec: ProcessorSpec, context: Context) -> LazyFrame:
    if context.frame is not None:
        return frames.scan(context.frame)
    if context.cluster is None or context.on_cluster is None or not context.on_cluster.parts:
        raise DataError(f"{spec.name} takes a dataset; there is none", code="no_dataset")
    return context.cluster.scan(context.on_cluster.parts)


def _each(spec: ProcessorSpec, step: WorkStep, context: Context, run: Run) -> Output:
    elements = _decoded(context)
    if not isinstance(elements, list):
        raise DataError("`each` takes a list", code="invalid_value")
    if len(elements) > MAX_ELEMENTS:
        raise DataError(f"{len(elements)} elements, at most {MAX_ELEMENTS}", code="invalid_value")
    if spec.takes is not Takes.VALUE or spec.returns not in (Returns.VALUE, Returns.NOTHING):
        raise DataError(f"`each` cannot run {spec.name}", code="invalid_value")
    found: list[Any] = []
    for element in elements:
        run.stop_if_cancelled()
        found.append(spec.apply(element, step.params, run).value)
        run.progress(len(found), len(elements), "elements")
    return Output(value=found)


def _context(given: Given) -> Context:
    value = None if given.value is UNSET else bytes(given.value)
    if given.value_file is not None:
        value = Path(given.value_file).read_bytes()
    return Context(value, given.frame, given.source)


def _decoded(context: Context) -> Any:
    return None if context.value is None else msgspec.json.decode(context.value)


def _keep(
    spec: ProcessorSpec,
    step: str,
    output: Output,
    folder: Path,
    context: Context,
    *,
    inline: int = MAX_INLINE_BYTES,
    ready: Sequence[Path] = (),
    progress: Callable[[float, float | None, str], None] | None = None,
) -> StepDone:
    """Write what a step returned, and hand it to the next one."""
    done = StepDone(step=step)
    if output.frame is not None and output.frame.implementation.is_dask():
        done = _store(step, output.frame, context, progress)
    elif output.frame is not None:
        folder.mkdir(parents=True, exist_ok=True)
        parts, columns = frames.write(output.frame, folder, ready)
        context.frame = [part.file for part in parts]
        done = StepDone(step=step, parts=parts, columns=columns)
    if spec.returns not in (Returns.VALUE, Returns.BOTH):
        return done
    context.value = encode_value(output.value)
    if len(context.value) <= min(inline, MAX_INLINE_BYTES):
        return msgspec.structs.replace(done, value=Raw(context.value))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "value.json"
    file.write_bytes(context.value)
    return msgspec.structs.replace(done, value_file=str(file))


def _untold(done: float, total: float | None, unit: str) -> None:
    """Nobody asked how far it is."""


def _store(
    step: str,
    frame: LazyFrame,
    context: Context,
    progress: Callable[[float, float | None, str], None] | None,
) -> StepDone:
    """Have the cluster keep a frame, for the next step to read."""
    assert context.cluster is not None  # noqa: S101 - its frames come from it
    assert context.on_cluster is not None  # noqa: S101 - likewise
    places = context.on_cluster.places[step]
    stored = context.cluster.write(frame, places, progress or _untold)
    parts = [Linked(places[part.number].get, part.sha256) for part in stored]
    context.frame = None
    context.on_cluster = msgspec.structs.replace(context.on_cluster, parts=parts)
    return StepDone(step=step, stored=stored, columns=len(frame.collect_schema()))
