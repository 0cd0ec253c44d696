"""A job as one file: what is in it, and how it is read; nothing in it is believed unchecked."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import IO, Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from tidemill_contracts.catalogue import decode
from tidemill_contracts.fold import Fold, HistoryBroken
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import Attempt, Job
from tidemill_contracts.lines import LogLine
from tidemill_contracts.log import Cursor, read_cursor

FORMAT, VERSION = "tidemill-job", 1
MANIFEST = "manifest.json"
PARTS = ("job.json", "events.ndjson", "attempts.json", "log.ndjson", "values.json")
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_MANIFEST_BYTES = 64 * 1024
# the directory of a zip stands at its end; six names need a few hundred bytes
MAX_DIRECTORY_BYTES = 4 * 1024
END_BYTES, LOCATOR_BYTES = 22, 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Remark = Annotated[str, Meta(max_length=200)]


class RecordingInvalid(ValueError):
    """The file is not a job as `export` writes it."""


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
    made_by: Remark
    job_id: UUID
    parts: list[Part]
    left_out: list[Remark] = []

    @property
    def digest(self) -> str:
        """The same for two files of one job, whenever they were made."""
        hashes = sorted(f"{part.name} {part.sha256}\n" for part in self.parts)
        return hashlib.sha256("".join(hashes).encode()).hexdigest()


class Told(Struct, frozen=True):
    """An event of the job, and where it stood in the log that it comes from."""

    cursor: str
    event: JobEvent
    body: Raw


class Recording(Struct, frozen=True, kw_only=True):
    """A job as it was read from a file; `values` are those of steps that events refer to."""

    manifest: Manifest
    job: Job
    events: list[Told]
    attempts: list[Attempt]
    lines: list[LogLine]
    values: dict[str, Any]

    def fold_at(self, cursor: Cursor) -> Fold | None:
        """Its events up to this cursor, folded; None where there was no such job yet."""
        before = [told for told in self.events if read_cursor(told.cursor) <= cursor]
        return _fold(before) if before else None


def read(file: IO[bytes], *, most: int = len(PARTS) * MAX_PART_BYTES) -> Recording:
    """The job in this file; RecordingInvalid unless all in it is whole and fits together.

    Nothing is unpacked beyond `most` bytes, whatever the file says of its size.
    """
    try:
        _check_directory(file)
        with zipfile.ZipFile(file) as source:
            manifest = _manifest(source)
            bodies = _bodies(source, manifest, most)
        found = _recording(manifest, bodies)
        fold = _fold(found.events)
    except RecordingInvalid:
        raise
    except _BROKEN as error:
        raise RecordingInvalid(f"it is no exported job: {error}") from error
    if not fold.id == found.job.id == manifest.job_id or fold.status is not found.job.status:
        raise RecordingInvalid("the events are not those of the job")
    if not found.job.status.is_final:
        raise RecordingInvalid("the job has not ended")
    return found


def _check_directory(file: IO[bytes]) -> None:
    """A directory of a million names would be read whole before one of them is looked at."""
    size = file.seek(0, 2)
    file.seek(max(size - END_BYTES - LOCATOR_BYTES, 0))
    tail = file.read()
    end = tail[-END_BYTES:]
    is_plain = end.startswith(b"PK\x05\x06") and not tail.startswith(b"PK\x06\x07")
    if not is_plain or int.from_bytes(end[12:16], "little") > MAX_DIRECTORY_BYTES:
        raise RecordingInvalid("it is no zip file, or one of another making")
    file.seek(0)


def _manifest(source: zipfile.ZipFile) -> Manifest:
    infos = source.infolist()
    if sorted(info.filename for info in infos) != sorted([MANIFEST, *PARTS]):
        raise RecordingInvalid(f"it should hold {MANIFEST}, {', '.join(PARTS)} and nothing else")
    if any(info.compress_type not in METHODS for info in infos):
        raise RecordingInvalid("it is packed in a way that `export` does not use")
    body = _bounded(source, MANIFEST, MAX_MANIFEST_BYTES)
    manifest = msgspec.json.decode(body, type=Manifest)
    if manifest.version > VERSION:
        raise RecordingInvalid(f"it is of version {manifest.version}; this reads {VERSION}")
    if sorted(part.name for part in manifest.parts) != sorted(PARTS):
        raise RecordingInvalid("the manifest does not name each part once")
    return manifest


def _bodies(source: zipfile.ZipFile, manifest: Manifest, most: int) -> dict[str, bytes]:
    bodies = dict[str, bytes]()
    for part in manifest.parts:
        body = _bounded(source, part.name, min(most, MAX_PART_BYTES))
        if (len(body), hashlib.sha256(body).hexdigest()) != (part.size_bytes, part.sha256):
            raise RecordingInvalid(f"{part.name} is not what the manifest says")
        most -= len(body)
        bodies[part.name] = body
    return bodies


def _bounded(source: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A part, unpacked no further than its limit: what it says of its size may be a lie."""
    with source.open(name) as unpacked:
        body = unpacked.read(most + 1)
    if len(body) > most:
        raise RecordingInvalid(f"{name} is larger than {most:,} bytes")
    return body


def _recording(manifest: Manifest, bodies: dict[str, bytes]) -> Recording:
    return Recording(
        manifest=manifest,
        job=msgspec.json.decode(bodies["job.json"], type=Job),
        # line by line: other threads get their turn in between
        events=[_told(line) for line in bodies["events.ndjson"].splitlines()],
        attempts=msgspec.json.decode(bodies["attempts.json"], type=list[Attempt]),
        lines=[_LINE.decode(line) for line in bodies["log.ndjson"].splitlines()],
        values=msgspec.json.decode(bodies["values.json"], type=dict[str, Any]),
    )


def _told(line: bytes) -> Told:
    item = _ITEM.decode(line)
    event = decode(bytes(item.event))
    if not isinstance(event, JobEvent):
        raise RecordingInvalid("an event is of a kind that is not known here")
    try:
        read_cursor(item.cursor)
    except ValueError as error:
        raise RecordingInvalid(f"{item.cursor!r} is no cursor") from error
    return Told(item.cursor, event, item.event.copy())


def _fold(events: Iterable[Told]) -> Fold:
    try:
        return Fold.of(told.event for told in events)
    except HistoryBroken as error:
        raise RecordingInvalid(str(error)) from error


class _Item(Struct):
    cursor: str
    event: Raw


_ITEM = msgspec.json.Decoder(_Item)
_LINE = msgspec.json.Decoder(LogLine)
_BROKEN = (
    *(EOFError, OSError, OverflowError, RuntimeError, ValueError),
    *(zipfile.BadZipFile, zlib.error, msgspec.MsgspecError),
)
