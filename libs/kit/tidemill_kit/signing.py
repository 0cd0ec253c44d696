"""AWS Signature Version 4, for requests to the object store and for links to its objects.

As the pages "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API have it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256().hexdigest()
_UNSIGNED = "UNSIGNED-PAYLOAD"


class SigningKey(Struct, frozen=True):
    """An access key of the object store, and the region that it signs for."""

    access_key: str
    secret_key: str
    region: str = "us-east-1"


def encoded(query: Mapping[str, str]) -> str:
    """A query string in the one form that signatures are made of."""
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    key: SigningKey,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    sha256: str = EMPTY_SHA256,
    now: datetime | None = None,
) -> dict[str, str]:
    """All headers of a request, which must have `host` in lower case among its own.

    `path` is percent-encoded already; `sha256` is that of the body, in hex.
    """
    at = _timestamp(now)
    signed = {**headers, "x-amz-content-sha256": sha256, "x-amz-date": at}
    request = _canonical(method, path, query or {}, signed, sha256)
    signature = _signature(key, at, request)
    who = f"Credential={key.access_key}/{_scope(key, at)}"
    names = f"SignedHeaders={_names(signed)}"
    return {**signed, "authorization": f"{ALGORITHM} {who},{names},Signature={signature}"}


def signed_query(
    key: SigningKey,
    method: str,
    path: str,
    *,
    host: str,
    query: Mapping[str, str],
    expires_s: int,
    now: datetime | None = None,
) -> str:
    """The query string of a link that whoever has it may use until it expires."""
    at = _timestamp(now)
    whole = {
        **query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{key.access_key}/{_scope(key, at)}",
        "X-Amz-Date": at,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": "host",
    }
    request = _canonical(method, path, whole, {"host": host}, _UNSIGNED)
    return f"{encoded(whole)}&X-Amz-Signature={_signature(key, at, request)}"


def _timestamp(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")


def _scope(key: SigningKey, at: str) -> str:
    return f"{at[:8]}/{key.region}/s3/aws4_request"


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))


def _canonical(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    sha256: str,
) -> str:
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    return f"{method}\n{path}\n{encoded(query)}\n{lines}\n{_names(headers)}\n{sha256}"


def _signature(key: SigningKey, at: str, request: str) -> str:
    scope = _scope(key, at)
    text = f"{ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    secret = f"AWS4{key.secret_key}".encode()
    for part in scope.split("/"):
        secret = _hmac(secret, part)
    return _hmac(secret, text).hex()


def _hmac(secret: bytes, text: str) -> bytes:
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()
