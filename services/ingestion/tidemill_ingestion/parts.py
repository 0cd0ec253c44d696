"""Uploads in parts: pure decisions about their sizes, their parts and what is shown of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, field

from tidemill_contracts.uploads import MAX_PARTS, Upload, UploadPart, UploadStatus
from tidemill_kit.errors import Conflict, Gone, NotFound

MEBIBYTE = 1024 * 1024


class UploadNotFound(NotFound):
    """There is no such upload."""


class UploadOver(Gone):
    """The upload was aborted, refused or not finished in time."""


class UploadIncomplete(Conflict):
    """Parts of the upload are missing."""


class UploadCompleted(Conflict):
    """The upload is a dataset already."""


class UploadVerifying(Conflict):
    """The upload is being completed."""

    retry_after_s = 1


class StoredUpload(Struct, frozen=True, kw_only=True):
    """An upload with what only the service needs to know of it."""

    id: UUID
    tenant_id: UUID
    created_by: UUID
    name: str
    status: UploadStatus
    size_bytes: int
    part_bytes: int
    labels: dict[str, str] = field(default_factory=dict[str, str])
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    sha256: str | None = None
    fingerprint: str | None = None
    object_key: str
    parts_id: str
    created_at: datetime
    expires_at: datetime
    leased_until: datetime | None = None
    ended_at: datetime | None = None

    @property
    def part_count(self) -> int:
        return -(-self.size_bytes // self.part_bytes)

    def size_of(self, number: int) -> int:
        """How many bytes this part must have."""
        return min(self.part_bytes, self.size_bytes - (number - 1) * self.part_bytes)

    def shown(
        self,
        stored: set[int] | None = None,
        links: dict[int, str] | None = None,
        links_until: datetime | None = None,
    ) -> Upload:
        """What the API says of it; with the numbers that are stored also its parts."""
        named = [name for name in Upload.__struct_fields__ if name in self.__struct_fields__]
        same: dict[str, Any] = {name: getattr(self, name) for name in named}
        if stored is None:
            return Upload(**same)
        return Upload(
            **same,
            stored_bytes=sum(self.size_of(number) for number in stored),
            parts=[
                UploadPart(
                    number=number,
                    offset=(number - 1) * self.part_bytes,
                    size_bytes=self.size_of(number),
                    stored=number in stored,
                    uri=(links or {}).get(number, UNSET),
                )
                for number in range(1, self.part_count + 1)
            ],
            links_until=links_until or UNSET,
        )


def part_bytes(size_bytes: int, wanted: int) -> int:
    """The size of a part: as wanted, or more where there would be more parts than S3 takes."""
    least = -(-size_bytes // MAX_PARTS)
    return max(wanted, -(-least // MEBIBYTE) * MEBIBYTE)


def abort(upload: StoredUpload) -> bool:
    """Whether there is something to abort; refused where it is too late."""
    match upload.status:
        case UploadStatus.UPLOADING:
            return True
        case UploadStatus.VERIFYING:
            raise UploadVerifying
        case UploadStatus.COMPLETED:
            raise UploadCompleted
        case _:
            return False
