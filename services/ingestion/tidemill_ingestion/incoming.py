"""An upload as it comes in: multipart or raw, read once, in flat memory."""

import asyncio
import base64
import codecs
import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import msgspec
from litestar.exceptions import InternalServerException
from msgspec import Struct, ValidationError
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from tidemill_contracts.datasets import IngestOptions, Labels
from tidemill_contracts.problems import FieldError
from tidemill_ingestion import names
from tidemill_ingestion.limits import Allowance
from tidemill_kit.errors import BadRequest, Invalid, UnsupportedMedia
from tidemill_kit.problems import field_of

FIELDS = ("name", "labels", "sha256", *IngestOptions.__struct_fields__)
FORM = "multipart/form-data"
OCTETS = "application/octet-stream"
RAW = frozenset(
    {
        "",
        OCTETS,
        "application/json",
        "application/jsonl",
        "application/ndjson",
        "application/x-ndjson",
        "application/vnd.apache.parquet",
        "application/parquet",
        "application/csv",
        "application/gzip",
        "application/x-gzip",
        "application/zstd",
        "text/csv",
        "text/tab-separated-values",
        "text/plain",
    },
)
HEX_SHA256 = re.compile("[0-9A-Fa-f]{64}")
MAX_FIELD_BYTES = 64 * 1024
MAX_PARTS = 16
# boundaries, part headers and fields around the file
MAX_AROUND_BYTES = 1024 * 1024


class EmptyFile(Invalid):
    """The file holds no bytes."""


class UploadInterrupted(BadRequest):
    """The upload ended before its end."""


class UploadStalled(BadRequest):
    """The upload sent nothing for too long."""


class LabelsInvalid(Invalid):
    """A label holds control characters."""


class DigestMismatch(Invalid):
    """The bytes have another sha256 than was said."""


class EncodingUnknown(Invalid):
    """There is no such text encoding."""


class OptionsInvalid(Invalid):
    """These options cannot be meant together."""


class Said(Struct, frozen=True):
    """What came with the bytes, checked."""

    name: str
    labels: dict[str, str]
    options: dict[str, Any]
    sha256: str | None = None


class Incoming:
    """An upload; `said` is known once all chunks were read."""

    said: Said

    def __init__(
        self,
        body: AsyncIterator[bytes],
        headers: Mapping[str, str],
        query: Mapping[str, str],
        *,
        stall_s: float,
    ) -> None:
        if unknown := [name for name in query if name not in FIELDS]:
            raise BadRequest(errors=[FieldError(name, "unknown field") for name in unknown])
        self._body = body
        self._stall_s = stall_s
        self._fields = dict(query)
        self._filename: str | None = None
        self._kind, self._parameters = parse_options_header(headers.get("content-type", ""))
        around = MAX_AROUND_BYTES if self._kind == FORM else 0
        self.least_bytes = int(headers.get("content-length") or 0) - around
        if self._kind != FORM and self._kind not in RAW:
            raise UnsupportedMedia(f"{self._kind}: send a form, or bytes as {OCTETS}")
        if self._kind != FORM:
            if digest := headers.get("content-digest"):
                self._fields.setdefault("sha256", sha256_of(digest))
            read(self._fields, None)

    async def chunks(self, allowance: Allowance) -> AsyncGenerator[bytes]:
        """The file's bytes; an upload that cannot be accepted raises, at the latest at its end."""
        is_form, size = self._kind == FORM, 0
        allowance.check(self.least_bytes)
        async for chunk in self._form(allowance) if is_form else self._received():
            size += len(chunk)
            allowance.check(size)
            yield chunk
        if size == 0:
            raise EmptyFile
        self.said = read(self._fields, self._filename)

    def check(self, sha256: str) -> None:
        """Refuse bytes that are not those that were meant; all chunks were read."""
        if self.said.sha256 not in (None, sha256):
            raise DigestMismatch(expected=self.said.sha256, found=sha256)

    async def _form(self, allowance: Allowance) -> AsyncGenerator[bytes]:
        reader = _FormReader(self._fields, self._parameters.get("boundary", ""))
        received = 0
        try:
            async for chunk in self._received():
                received += len(chunk)
                allowance.check(received - MAX_AROUND_BYTES)
                for file_bytes in reader.feed(chunk):
                    yield file_bytes
            reader.close()
        except MultipartError as error:
            raise BadRequest(f"not multipart/form-data: {error}") from error
        self._filename = reader.filename

    async def _received(self) -> AsyncGenerator[bytes]:
        try:
            while True:
                async with asyncio.timeout(self._stall_s):
                    chunk = await anext(self._body, None)
                if chunk is None:
                    return
                if chunk:
                    yield chunk
        except TimeoutError as error:
            raise UploadStalled from error
        except InternalServerException as error:
            # Litestar's word for a client that went away
            raise UploadInterrupted from error


class _FormReader:
    """Sorts a form's parts: the file's bytes are handed on, small fields kept."""

    def __init__(self, fields: dict[str, str], boundary: str) -> None:
        if not boundary:
            raise BadRequest("the boundary is missing")
        self.filename: str | None = None
        self._fields = fields
        self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
        self._seen = set[str]()
        self._part = ""
        self._text = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The file's bytes in this chunk."""
        found: list[bytes] = []
        for event in self._parser.parse(chunk):
            match event:
                case MultipartSegment():
                    self._begin(event)
                case None:
                    self._end()
                case _ if self._part == "file":
                    found.append(bytes(event))
                case _:
                    self._text += event
        if len(self._text) > MAX_FIELD_BYTES:
            raise BadRequest(errors=[FieldError(self._part, "longer than 64 KiB")])
        return found

    def close(self) -> None:
        self._parser.close()
        if "file" not in self._seen:
            raise BadRequest(errors=[FieldError("file", "missing")])

    def _begin(self, segment: MultipartSegment) -> None:
        self._part = segment.name or ""
        if self._part not in (*FIELDS, "file"):
            raise BadRequest(errors=[FieldError(self._part, "unknown field")])
        if self._part in self._seen:
            raise BadRequest(errors=[FieldError(self._part, "given twice")])
        self._seen.add(self._part)
        self._text = bytearray()
        if self._part == "file":
            self.filename = segment.filename

    def _end(self) -> None:
        if self._part != "file":
            try:
                self._fields[self._part] = self._text.decode()
            except UnicodeDecodeError as error:
                raise BadRequest(errors=[FieldError(self._part, "not UTF-8")]) from error


def read(fields: Mapping[str, str], filename: str | None) -> Said:
    """What the fields say; BadRequest or Invalid where they cannot be meant."""
    given = {name: value for name, value in fields.items() if value != ""}
    name = names.clean(given.pop("name", "")) or names.of_file(filename)
    labels = _labels(given.pop("labels", "{}"))
    sha256 = given.pop("sha256", None)
    if sha256 is not None and not HEX_SHA256.fullmatch(sha256):
        raise BadRequest(errors=[FieldError("sha256", "64 hexadecimal digits")])
    return Said(name, labels, read_options(given), sha256 and sha256.lower())


def read_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the event carries them, without defaults; they may come as text."""
    fields = dict(given)
    if isinstance(types := fields.get("types"), str):
        try:
            fields["types"] = msgspec.json.decode(types)
        except msgspec.DecodeError as error:
            raise BadRequest(errors=[FieldError("types", str(error))]) from error
    if isinstance(encoding := fields.get("encoding"), str):
        _check_encoding(encoding)
    try:
        options = msgspec.convert(fields, IngestOptions, strict=False)
    except ValidationError as error:
        if isinstance(error.__cause__, ValueError):
            message = str(error.__cause__)
            raise OptionsInvalid(errors=[FieldError("options", message)]) from error
        raise BadRequest(errors=[field_of(error)]) from error
    return msgspec.to_builtins(options)


def sha256_of(digest: str) -> str:
    """The sha256 in a Content-Digest header (RFC 9530), in hex; empty where it names others only.

    The header's digest is that of the body, so it says nothing of a file in a form.
    """
    for member in digest.split(","):
        algorithm, _, value = member.strip().partition("=")
        if algorithm == "sha-256":
            try:
                return base64.b64decode(value.strip(":"), validate=True).hex()
            except ValueError as error:
                raise BadRequest(errors=[FieldError("Content-Digest", value)]) from error
    return ""


def check_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels; LabelsInvalid where a control character is in one."""
    for key, value in labels.items():
        if any(unicodedata.category(character) == "Cc" for character in key + value):
            raise LabelsInvalid(errors=[FieldError(f"labels.{key}", "control characters")])
    return dict(labels)


def _labels(text: str) -> dict[str, str]:
    try:
        return check_labels(msgspec.json.decode(text, type=Labels))
    except msgspec.DecodeError as error:
        raise BadRequest(errors=[FieldError("labels", str(error))]) from error


def _check_encoding(name: str) -> None:
    try:
        # unlike codecs.lookup() this refuses codecs that make no text, such as hex
        codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise EncodingUnknown(errors=[FieldError("encoding", name)]) from error
