"""What answers that lead to a stored file hold."""

from datetime import datetime

from msgspec import Struct


class Link(Struct, frozen=True, omit_defaults=True):
    """Where to fetch a file and until when, and what must come where it is recorded."""

    uri: str
    expires_at: datetime
    size_bytes: int | None = None
    sha256: str | None = None
