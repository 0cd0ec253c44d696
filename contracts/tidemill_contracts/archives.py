"""Archives: jobs of other systems, brought by files; they are shown here and never run."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from tidemill_contracts.jobs import Job, JobStatus

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_UNPACKED_BYTES = 32 * 1024 * 1024


class Archive(Struct, frozen=True, kw_only=True):
    """A job as a file told of it; its id, its tenant and its links are those of the other system.

    `made_at`, `made_by` and `left_out` are what the file says of itself; lists leave `job` out.
    """

    id: UUID
    status: JobStatus
    pipeline: str | None
    processors: list[str]
    created_at: datetime
    finished_at: datetime | None
    made_at: datetime
    made_by: str
    left_out: list[str]
    size_bytes: int
    sha256: str
    imported_at: datetime
    imported_by: UUID
    job: Job | UnsetType = UNSET
