"""A job as one file: a zip of its body, events, attempts, log and values, with their hashes."""

import hashlib
import zipfile
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from tidemill_client.client import Client
from tidemill_client.problems import ClientError
from tidemill_client.subscription import Received, received
from tidemill_contracts.fold import Fold, HistoryBroken
from tidemill_contracts.ids import now
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import Attempt, Job
from tidemill_contracts.lines import LogLine
from tidemill_contracts.log import read_cursor
from tidemill_contracts.pages import StreamedEvent

FORMAT, VERSION = "tidemill-job", 1
MANIFEST = "manifest.json"
PARTS = ("job.json", "events.ndjson", "attempts.json", "log.ndjson", "values.json")
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_MANIFEST_BYTES = 64 * 1024
MAX_VALUE_BYTES = 1024 * 1024
JSON = "application/json"


class RecordingInvalid(ClientError):
    """The file is not a job as `export` writes it."""


class JobGoesOn(ClientError):
    """Only a job that has ended is written into a file."""


class Part(Struct, frozen=True):
    """A file inside, with what it must be."""

    name: Literal["job.json", "events.ndjson", "attempts.json", "log.ndjson", "values.json"]
    size_bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What the file is, what is in it, and what would not go in."""

    format: Literal["tidemill-job"]
    version: int
    made_at: datetime
    made_by: str
    job_id: UUID
    parts: list[Part]
    left_out: list[str] = []


class Recording(Struct, frozen=True, kw_only=True):
    """A job as it was read from a file; `values` are those of steps that events refer to."""

    manifest: Manifest
    job: Job
    events: list[Received]
    attempts: list[Attempt]
    lines: list[LogLine]
    values: dict[str, Any]

    def job_at(self, cursor: str) -> Job:
        """The job as it was at this cursor; RecordingInvalid before it existed."""
        try:
            place = read_cursor(cursor)
        except ValueError as error:
            raise RecordingInvalid(f"{cursor!r} is no cursor") from error
        before = [each for each in self.events if read_cursor(each.cursor or "") <= place]
        return _fold(before).job


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


def read(file: Path) -> Recording:
    """The job in this file; RecordingInvalid unless all in it is whole and fits together."""
    try:
        with zipfile.ZipFile(file) as source:
            manifest = _manifest(source)
            bodies = {part.name: _body(source, part) for part in manifest.parts}
        found = Recording(
            manifest=manifest,
            job=msgspec.json.decode(bodies["job.json"], type=Job),
            events=list(_events(bodies["events.ndjson"])),
            attempts=msgspec.json.decode(bodies["attempts.json"], type=list[Attempt]),
            lines=_LINES.decode_lines(bodies["log.ndjson"]),
            values=msgspec.json.decode(bodies["values.json"], type=dict[str, Any]),
        )
    except (zipfile.BadZipFile, msgspec.MsgspecError, UnicodeDecodeError, RuntimeError) as error:
        raise RecordingInvalid(f"{file} is no exported job: {error}") from error
    fold = _fold(found.events)
    if not fold.id == found.job.id == manifest.job_id or fold.status is not found.job.status:
        raise RecordingInvalid(f"{file}: the events are not those of the job")
    return found


def _manifest(source: zipfile.ZipFile) -> Manifest:
    names = [info.filename for info in source.infolist()]
    if sorted(names) != sorted([MANIFEST, *PARTS]):
        raise RecordingInvalid(f"it should hold {MANIFEST}, {', '.join(PARTS)} and nothing else")
    body = _bounded(source, MANIFEST, MAX_MANIFEST_BYTES)
    manifest = msgspec.json.decode(body, type=Manifest)
    if manifest.version > VERSION:
        raise RecordingInvalid(f"it is of version {manifest.version}; this reads {VERSION}")
    if sorted(part.name for part in manifest.parts) != sorted(PARTS):
        raise RecordingInvalid("the manifest does not name each part once")
    return manifest


def _body(source: zipfile.ZipFile, part: Part) -> bytes:
    body = _bounded(source, part.name, MAX_PART_BYTES)
    if (len(body), hashlib.sha256(body).hexdigest()) != (part.size_bytes, part.sha256):
        raise RecordingInvalid(f"{part.name} is not what the manifest says")
    return body


def _bounded(source: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A part, unpacked no further than its limit: what it says of its size may be a lie."""
    with source.open(name) as unpacked:
        body = unpacked.read(most + 1)
    if len(body) > most:
        raise RecordingInvalid(f"{name} is larger than {most:,} bytes")
    return body


def _events(body: bytes) -> Iterable[Received]:
    for item in _STREAMED.decode_lines(body):
        event = received(item.event, cursor=item.cursor, replay=True)
        if event is None:
            raise RecordingInvalid("an event is of a kind that is not known here")
        try:
            read_cursor(item.cursor)
        except ValueError as error:
            raise RecordingInvalid(f"{item.cursor!r} is no cursor") from error
        yield event


def _fold(events: Iterable[Received]) -> Fold:
    try:
        return Fold.of(each.event for each in events if isinstance(each.event, JobEvent))
    except HistoryBroken as error:
        raise RecordingInvalid(str(error)) from error


def _part(name: Any, body: bytes) -> Part:
    if len(body) > MAX_PART_BYTES:
        raise RecordingInvalid(f"{name} would be larger than {MAX_PART_BYTES:,} bytes")
    return Part(name, len(body), hashlib.sha256(body).hexdigest())


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


_LINES = msgspec.json.Decoder(LogLine)
_STREAMED = msgspec.json.Decoder(StreamedEvent)
