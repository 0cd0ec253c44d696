"""Uploads in parts: begun here, sent to the object store by signed links, completed here."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tidemill_contracts.datasets import Labels

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Fingerprint = Annotated[str, Meta(min_length=1, max_length=128)]
MAX_PARTS = 10_000


class UploadStatus(StrEnum):
    UPLOADING = "uploading"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    REFUSED = "refused"
    ABORTED = "aborted"
    EXPIRED = "expired"


class BeginUpload(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file that will come in parts.

    `options` are those that an upload in one request takes beside the name and the labels.
    `fingerprint` is the client's own word for this very file, to find the upload again by it.
    """

    name: Annotated[str, Meta(min_length=1, max_length=1024)]
    size_bytes: Annotated[int, Meta(ge=0)]
    labels: Labels = field(default_factory=dict[str, str])
    sha256: Sha256 | None = None
    fingerprint: Fingerprint | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])


class CompleteUpload(Struct, frozen=True, forbid_unknown_fields=True):
    """All parts are sent; with a sha256 the stored bytes must have it."""

    sha256: Sha256 | None = None


class UploadPart(Struct, frozen=True, kw_only=True):
    """One part: either it is `stored`, or `uri` takes it by PUT.

    No more than a hundred parts have a link at a time: ask again for the next ones.
    """

    number: int
    offset: int
    size_bytes: int
    stored: bool
    uri: str | UnsetType = UNSET


class Upload(Struct, frozen=True, kw_only=True):
    """An upload; its dataset has the same id and is there once the status is `completed`."""

    id: UUID
    name: str
    status: UploadStatus
    size_bytes: int
    part_bytes: int
    labels: dict[str, str] = field(default_factory=dict[str, str])
    sha256: str | None = None
    fingerprint: str | None = None
    stored_bytes: int | UnsetType = UNSET
    parts: list[UploadPart] | UnsetType = UNSET
    links_until: datetime | UnsetType = UNSET
    created_at: datetime
    expires_at: datetime
