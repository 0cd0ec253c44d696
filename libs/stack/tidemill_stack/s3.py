"""Requests to the object store, signed by hand (AWS Signature Version 4) for want of room."""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

from tidemill_stack.credentials import S3Key

REGION = "us-east-1"
_SIGNED = "host;x-amz-content-sha256;x-amz-date"


def signed_headers(
    method: str,
    host: str,
    path: str,
    body: bytes,
    key: S3Key,
    *,
    region: str = REGION,
) -> dict[str, str]:
    """The headers of a request without a query, as AWS' "Signing requests" describes them."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"{method}\n{quote(path)}\n\n{lines}\n{_SIGNED}\n{digest}"
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}"
    signature = _hmac(_signing_key(key.secret_key, scope), text).hex()
    credential = f"AWS4-HMAC-SHA256 Credential={key.access_key}/{scope}"
    return {
        **headers,
        "authorization": f"{credential}, SignedHeaders={_SIGNED}, Signature={signature}",
    }


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
