"""Inputs from the object store into files, outputs from files into the object store."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from tidemill_contracts.datasets import Frame, Part
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, Progress
from tidemill_contracts.work import Failed, Payload, Source, StepOutput
from tidemill_kit.s3 import ObjectMissing
from tidemill_kit.storage import Storage
from tidemill_processor.scratch import Inputs, IntegrityBroken
from tidemill_processor.wire import Given, StepDone

PARQUET = "application/vnd.apache.parquet"
JSON = "application/json"


class Buckets(Struct, frozen=True):
    """Where uploaded bytes and where results lie."""

    datasets: str
    results: str


class Transfer:
    """Fetches what a run needs and stores what it made; every digest is checked or recorded."""

    def __init__(self, storage: Storage, inputs: Inputs, buckets: Buckets) -> None:
        self._storage = storage
        self._inputs = inputs
        self._buckets = buckets

    async def fetch(self, given: Payload, held: AsyncExitStack) -> Given:
        """What the first step gets, as files; they stay until `held` is closed."""
        value = UNSET if given.value is None else Raw(msgspec.json.encode(given.value))
        frame: list[str] | None = None
        if given.frame is not None:
            frame = [await self._part(part, held) for part in given.frame.parts]
        stored = await self._stored(self._buckets.results, given.value_ref, held)
        source = await self._stored(self._buckets.datasets, given.source, held)
        return Given(value=value, value_file=stored, frame=frame, source=source)

    async def keep(self, done: StepDone, prefix: str, progress: Progress | None) -> StepOutput:
        """Store a step's files below `prefix`; answers what to report of it."""
        frame = None
        if done.parts is not None:
            parts = [await self._put_part(prefix, part.file, part.rows) for part in done.parts]
            frame = Frame(parts, done.columns)
        reference = None
        if done.value_file is not None:
            key = f"{prefix}/value.json"
            size, digest = await self._put(key, done.value_file)
            reference = Source(key, size, digest)
        for name, path in done.artifacts.items():
            await self._put(f"{prefix}/{name}", path)
        value: Any = None if done.value is UNSET else done.value
        has_value = reference is not None or done.value is not UNSET
        return StepOutput(
            step=done.step,
            payload=Payload(value=value, value_ref=reference, frame=frame),
            media_type=PARQUET if frame else JSON if has_value else None,
            progress=progress,
        )

    async def _part(self, part: Part, held: AsyncExitStack) -> str:
        return await self._hold(self._buckets.results, part.key, part.sha256, held)

    async def _stored(self, bucket: str, source: Source | None, held: AsyncExitStack) -> str | None:
        if source is None:
            return None
        return await self._hold(bucket, source.key, source.sha256, held)

    async def _hold(self, bucket: str, key: str, sha256: str, held: AsyncExitStack) -> str:
        path = await self._inputs.hold(
            sha256, lambda coming: self._storage.get_file(bucket, key, coming)
        )
        held.callback(self._inputs.let_go, sha256)
        return str(path)

    async def _put_part(self, prefix: str, file: str, rows: int) -> Part:
        key = f"{prefix}/{Path(file).name}"
        size, digest = await self._put(key, file)
        return Part(key, rows, size, digest)

    async def _put(self, key: str, path: str) -> tuple[int, str]:
        return await self._storage.put_file(self._buckets.results, key, Path(path))


def fault(error: Exception) -> Failed:
    """What a failed transfer means for the attempt."""
    match error:
        case IntegrityBroken():
            kind, code = FailureKind.DATA, "integrity"
        case ObjectMissing():
            kind, code = FailureKind.DATA, "input_missing"
        case OSError():
            kind, code = FailureKind.INFRASTRUCTURE, "scratch_unusable"
        case _:
            kind, code = FailureKind.INFRASTRUCTURE, "storage_away"
    return Failed(
        failure=kind, error=JobError(code=code, message=str(error), type=type(error).__name__)
    )
