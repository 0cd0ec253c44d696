"""A job written into one file, and read from it; tidemill_contracts.recording is the form."""

import zipfile
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from tidemill_client.client import Client
from tidemill_client.problems import ClientError
from tidemill_client.subscription import Received
from tidemill_contracts import recording
from tidemill_contracts.fold import Fold
from tidemill_contracts.ids import now
from tidemill_contracts.jobs import Job
from tidemill_contracts.lines import LogLine
from tidemill_contracts.log import read_cursor
from tidemill_contracts.pages import StreamedEvent
from tidemill_contracts.recording import (
    FORMAT,
    MANIFEST,
    MAX_PART_BYTES,
    PARTS,
    VERSION,
    Manifest,
    Part,
    Recording,
)

MAX_VALUE_BYTES = 1024 * 1024
JSON = "application/json"


class RecordingInvalid(ClientError):
    """The file is not a job as `export` writes it."""


class JobGoesOn(ClientError):
    """Only a job that has ended is written into a file."""


async def write(client: Client, job_id: UUID, file: Path) -> Manifest:
    """Fetch all there is of an ended job into a file, which is there whole or not at all."""
    job = await client.job(job_id)
    if not job.status.is_final:
        raise JobGoesOn(f"the job is {job.status}; only one that has ended can be exported")
    left_out = [f"the table of {s.name}" for s in job.steps if s.result and s.result.rows]
    found = [item async for item in client.events(job_id=job_id)]
    told = [StreamedEvent(i.cursor or "", i.body) for i in found if isinstance(i, Received)]
    values, too_large = await _values(client, job)
    bodies = [
        msgspec.json.encode(job),
        _lines(told),
        msgspec.json.encode(await client.attempts(job_id)),
        await _log(client.log_lines(job_id), left_out),
        msgspec.json.encode(values),
    ]
    parts = [_part(name, body) for name, body in zip(PARTS, bodies, strict=True)]
    made = Manifest(
        format=FORMAT,
        version=VERSION,
        made_at=now(),
        made_by=f"tidemill {version('tidemill-client')}",
        job_id=job_id,
        parts=parts,
        left_out=[*left_out, *too_large],
    )
    fresh = file.with_name(f"{file.name}.part")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(made), indent=2))
        for name, body in zip(PARTS, bodies, strict=True):
            target.writestr(name, body)
    fresh.replace(file)
    return made


def read(file: Path | IO[bytes], name: str = "") -> Recording:
    """The job in this file; RecordingInvalid unless all in it is whole and fits together."""
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return read(opened, str(file))
    try:
        return recording.read(file)
    except recording.RecordingInvalid as error:
        raise RecordingInvalid(f"{name}: {error}") from error


def job_at(found: Recording, cursor: str) -> Job:
    """The job as it was at this cursor; RecordingInvalid before it existed."""
    try:
        fold: Fold | None = found.fold_at(read_cursor(cursor))
    except ValueError as error:
        raise RecordingInvalid(f"{cursor!r} is no cursor") from error
    if fold is None:
        raise RecordingInvalid(f"there was no such job yet at {cursor}")
    return fold.job


def received(found: Recording) -> list[Received]:
    """Its events as a stream would bring them."""
    return [
        Received(
            event=told.event,
            body=msgspec.json.decode(told.body),
            cursor=told.cursor,
            replay=True,
        )
        for told in found.events
    ]


def _part(name: Any, body: bytes) -> Part:
    if len(body) > MAX_PART_BYTES:
        raise RecordingInvalid(f"{name} would be larger than {MAX_PART_BYTES:,} bytes")
    return Part(name, len(body), sha256(body).hexdigest())


def _lines(items: Iterable[Any]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)


async def _log(lines: AsyncIterator[LogLine], left_out: list[str]) -> bytes:
    found = bytearray()
    async for line in lines:
        found += msgspec.json.encode(line) + b"\n"
        if len(found) > MAX_PART_BYTES // 2:
            left_out.append("the rest of the log")
            break
    return bytes(found)


async def _values(client: Client, job: Job) -> tuple[dict[str, Any], list[str]]:
    """The values of steps that are only referred to, and which were too large."""
    values, too_large = dict[str, Any](), list[str]()
    for step in job.steps:
        result = step.result
        if result is None or result.value is not UNSET or result.media_type != JSON:
            continue
        if (result.size_bytes or 0) <= MAX_VALUE_BYTES:
            values[step.name] = await client.result(job.id, step=step.name)
        else:
            too_large.append(f"the value of {step.name}")
    return values, too_large
