"""Inputs from the object store into files, outputs from files into the object store."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from tidemill_contracts.datasets import Frame, Part, Source
from tidemill_contracts.job_events import FailureKind
from tidemill_contracts.jobs import JobError, Progress
from tidemill_contracts.work import Failed, Payload, StepOutput
from tidemill_kit.storage import Storage
from tidemill_kit.storage_errors import NoRoomInStore, ObjectMissing, StorageAway
from tidemill_processor.scratch import Inputs, IntegrityBroken
from tidemill_processor.wire import (
    MOST_PARTS,
    Given,
    Linked,
    OnCluster,
    Place,
    StepDone,
    StoredPart,
)

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
        if done.stored is not None:
            frame = Frame([_part_in_place(prefix, part) for part in done.stored], done.columns)
        reference = None
        if done.value_file is not None:
            reference = await self._put(f"{prefix}/value.json", done.value_file)
        artifacts = {
            name: await self._put(f"{prefix}/{name}", path) for name, path in done.artifacts.items()
        }
        value: Any = None if done.value is UNSET else done.value
        has_value = reference is not None or done.value is not UNSET
        return StepOutput(
            step=done.step,
            payload=Payload(value=value, value_ref=reference, frame=frame, artifacts=artifacts),
            media_type=PARQUET if frame else JSON if has_value else None,
            progress=progress,
        )

    async def on_cluster(
        self,
        scheduler: str,
        given: Payload,
        prefixes: Mapping[str, str],
        seconds: float,
    ) -> OnCluster:
        """Links to what the first step reads and to where each step's parts go, and no more."""
        bucket = self._buckets.results
        link = partial(self._storage.permit, bucket, seconds=seconds)
        parts = given.frame.parts if given.frame else []
        return OnCluster(
            scheduler=scheduler,
            parts=[
                Linked(await link(part.key, method="get_object"), part.sha256) for part in parts
            ],
            places={
                step: [
                    Place(
                        await link(_place(prefix, number), method="put_object"),
                        await link(_place(prefix, number), method="get_object"),
                    )
                    for number in range(MOST_PARTS)
                ]
                for step, prefix in prefixes.items()
            },
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
        stored = await self._put(f"{prefix}/{Path(file).name}", file)
        return Part(stored.key, rows, stored.size_bytes, stored.sha256)

    async def _put(self, key: str, path: str) -> Source:
        return Source(key, *await self._storage.put_file(self._buckets.results, key, Path(path)))


def _place(prefix: str, number: int) -> str:
    return f"{prefix}/part-{number:05}.parquet"


def _part_in_place(prefix: str, part: StoredPart) -> Part:
    if not 0 <= part.number < MOST_PARTS:
        raise IntegrityBroken(f"there is no place {part.number}")
    return Part(_place(prefix, part.number), part.rows, part.size_bytes, part.sha256)


def fault(error: Exception) -> Failed:
    """What a failed transfer means for the attempt."""
    match error:
        case IntegrityBroken():
            kind, code = FailureKind.DATA, "integrity"
        case ObjectMissing():
            kind, code = FailureKind.DATA, "input_missing"
        case OSError():
            kind, code = FailureKind.INFRASTRUCTURE, "scratch_unusable"
        case NoRoomInStore():
            kind, code = FailureKind.INFRASTRUCTURE, NoRoomInStore.code()
        case _:
            kind, code = FailureKind.INFRASTRUCTURE, "storage_away"
    message = f"{error.title()} ({error})" if isinstance(error, StorageAway) else str(error)
    return Failed(
        failure=kind, error=JobError(code=code, message=message, type=type(error).__name__)
    )
