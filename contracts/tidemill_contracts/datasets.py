"""Datasets: what was uploaded, what ingest made of it, and their events."""

import codecs
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tidemill_contracts.event import Event

Label = Annotated[str, Meta(max_length=255)]
LabelKey = Annotated[str, Meta(min_length=1, max_length=63)]
Labels = Annotated[dict[LabelKey, Label], Meta(max_length=32)]


# the formats that a frame can be had in
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


class DatasetStatus(StrEnum):
    UPLOADING = "uploading"
    VALIDATING = "validating"
    READY = "ready"
    REJECTED = "rejected"
    DELETED = "deleted"


class Source(Struct, frozen=True):
    """A stored object: uploaded bytes in the datasets bucket, else a file in the results bucket."""

    key: str
    size_bytes: int
    sha256: str


class Origin(Struct, frozen=True):
    """The step of a job whose frame became a dataset."""

    job_id: UUID
    step: str


class Part(Struct, frozen=True):
    """One Parquet file of a frame."""

    key: str
    rows: int
    size_bytes: int
    sha256: str


class Frame(Struct, frozen=True):
    """A stored table: Parquet parts in order, in the results bucket."""

    parts: list[Part]
    columns: int

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)


Character = Annotated[str, Meta(min_length=1, max_length=1)]
Decimal = Literal[".", ","]
Contract = Literal["evolve", "freeze", "quarantine_row", "null_value"]
ColumnType = Literal[
    "bool", "int64", "float64", "date", "date_dmy", "date_mdy", "datetime", "string"
]
ColumnTypes = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=1_000)], ColumnType],
    Meta(max_length=2_000),
]


class IngestOptions(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What the uploader knows better than the content says, and what the columns must hold.

    `skip` is how many lines stand above a CSV's table. With a `decimal` comma points may group the
    thousands. `depth` is how many levels of nested JSON objects become columns with dotted names.
    `types` are wishes under the contract `evolve`; where a value does not fit, `freeze` refuses the
    dataset, `quarantine_row` the row, and `null_value` makes it null.
    """

    format: Literal["csv", "tsv", "json", "ndjson", "parquet"] | None = None
    compression: Literal["none", "gzip", "zstd"] | None = None
    encoding: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    delimiter: Character | None = None
    quote: Character | None = None
    header: bool | None = None
    skip: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    decimal: Decimal = "."
    depth: Annotated[int, Meta(ge=0, le=16)] = 4
    contract: Contract = "evolve"
    types: ColumnTypes = {}

    def __post_init__(self) -> None:
        for name in ("delimiter", "quote"):
            if getattr(self, name) in ("\r", "\n", "\0"):
                raise ValueError(f"`{name}` cannot be a line break or a zero byte")
        if self.delimiter is not None and self.delimiter == self.quote:
            raise ValueError("`delimiter` and `quote` are the same")
        if self.decimal == "," and "," in (self.delimiter, self.quote):
            raise ValueError("a comma cannot be `decimal` and `delimiter` or `quote` too")
        if self.format in ("json", "ndjson", "parquet") and (self.skip or self.decimal == ","):
            raise ValueError(f"`skip` and `decimal` are for CSV and TSV, not {self.format}")
        if self.contract != "evolve" and not self.types:
            raise ValueError(f"the contract `{self.contract}` needs `types`")
        if self.encoding is not None:
            try:
                # unlike codecs.lookup() this refuses codecs that make no text, such as hex
                codecs.lookup(self.encoding)
                "".encode(self.encoding)
            except LookupError as error:
                raise ValueError(f"`encoding`: {error}") from error


class Column(Struct, frozen=True, kw_only=True):
    """A column as ingest found it."""

    name: str
    type: str
    nulls: int = 0


class Detected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the bytes were read, whether the content said so or the uploader.

    `rejects` counts rows that were left out, `nulled` values that the contract made null,
    `evolved` names columns that could not have the type asked for.
    """

    format: str
    rejects: int = 0
    nulled: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header: bool | None = None
    skip: int = 0
    decimal: Decimal = "."
    compression: str | None = None
    contract: Contract = "evolve"
    evolved: list[str] = field(default_factory=list[str])


class Ingested(Detected, frozen=True, kw_only=True, omit_defaults=True):
    """What ingest found: the value of an `ingest` job."""

    rows: int
    columns: list[Column]


class DatasetError(Struct, frozen=True):
    """Why no table could be made."""

    code: str
    message: str


class Reading(Struct, frozen=True, kw_only=True):
    """Uploaded bytes that are read again by this job, as these options say.

    With an `error` it ended without a table, and the former one stays in use.
    """

    job_id: UUID
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    begun_at: datetime
    ended_at: datetime | UnsetType = UNSET
    error: DatasetError | UnsetType = UNSET


class Dataset(Struct, frozen=True, kw_only=True):
    """What the API says of a dataset; `rows` and `columns` are known once it is ready.

    `options` is what was said of how to read it. One that is read again says by which job, and
    keeps its former table until there is a new one; if there is none, `reading` says why. A new one
    whose bytes were there already names the dataset that it shares them with. One in the trash says
    until when it can be restored. One that was not uploaded but saved from a job's result names its
    `origin`.
    """

    id: UUID
    name: str
    status: DatasetStatus
    format: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    rows: int | None = None
    columns: list[Column] | None = None
    labels: dict[str, str] = field(default_factory=dict[str, str])
    detected: Detected | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    reading: Reading | UnsetType = UNSET
    error: DatasetError | UnsetType = UNSET
    deduplicated_from: UUID | UnsetType = UNSET
    restorable_until: datetime | UnsetType = UNSET
    origin: Origin | UnsetType = UNSET
    created_at: datetime
    updated_at: datetime
    seq: int
    cursor: str | UnsetType = UNSET


class KnownDataset(Struct, frozen=True, kw_only=True):
    """What ingestion answers to AskDataset; without a status it is not the tenant's."""

    status: DatasetStatus | None = None
    frame: Frame | None = None
    origin: Origin | None = None


def detected(ingested: Ingested) -> Detected:
    """The part of what ingest found that is neither rows nor columns."""
    return Detected(**{name: getattr(ingested, name) for name in Detected.__struct_fields__})


class RenameDataset(Struct, frozen=True, forbid_unknown_fields=True):
    """What may change of a dataset: its name and its labels."""

    name: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET


class DatasetEvent(Event, frozen=True, kw_only=True):
    dataset_id: UUID

    @property
    def key(self) -> UUID:
        return self.dataset_id


class DatasetCreated(DatasetEvent, frozen=True, kw_only=True, tag="dataset.created"):
    """A dataset has a name; its bytes are still to come, from an upload or from its origin."""

    name: str
    labels: dict[str, str] = field(default_factory=dict[str, str])
    origin: Origin | None = None


class DatasetUploaded(DatasetEvent, frozen=True, kw_only=True, tag="dataset.uploaded"):
    """All bytes are stored; ingest may begin, by the job that gets this event's id."""

    name: str
    object_key: str
    size_bytes: int
    sha256: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])


class DatasetReady(DatasetEvent, frozen=True, kw_only=True, tag="dataset.ready"):
    """The dataset is typed Parquet and may be used.

    With a `reading` it is so again: the bytes could not be read anew, and the former table stays.
    """

    frame: Frame
    ingested: Ingested
    job_id: UUID
    reading: Reading | UnsetType = UNSET


class DatasetRejected(DatasetEvent, frozen=True, kw_only=True, tag="dataset.rejected"):
    """The bytes could not become a dataset."""

    error: DatasetError
    job_id: UUID | None = None


class DatasetDeleted(DatasetEvent, frozen=True, kw_only=True, tag="dataset.deleted"):
    """The dataset is in the trash: nothing can use it, and for a while it can be restored."""

    by: UUID | None = None


class DatasetRestored(DatasetEvent, frozen=True, kw_only=True, tag="dataset.restored"):
    """The dataset is out of the trash; one that was being validated is uploaded anew."""

    status: DatasetStatus
    frame: Frame | None = None


class DatasetPurged(DatasetEvent, frozen=True, kw_only=True, tag="dataset.purged"):
    """The dataset is gone for good, and its stored objects go with it."""
