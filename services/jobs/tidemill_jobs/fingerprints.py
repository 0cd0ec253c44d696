"""What failures have in common: the same words, whatever numbers and names stand in them."""

import hashlib
import re

from msgspec import UNSET

from tidemill_contracts.jobs import JobError

MAX_CHARS = 500
_VARYING = re.compile(
    r"""'[^']*'|"[^"]*"|`[^`]*`  # quoted: a value, a column, a file
    |\b[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4,}){1,4}\b  # ids
    |\b0x[0-9a-fA-F]+\b
    |(?:/[\w.@%+-]+){2,}  # paths
    |[-+]?\d[\d.,:_]*(?:[eE][-+]?\d+)?""",
    re.VERBOSE,
)


def message(text: str) -> str:
    """A message without what varies from one failure to the next."""
    return " ".join(_VARYING.sub("…", text[:MAX_CHARS]).split())


def fingerprint(error: JobError, processor: str) -> str:
    """The same for failures of one processor with one code, type and message."""
    kind = "" if error.type is UNSET else error.type
    parts = [processor, error.code, kind, message(error.message)]
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:16]
