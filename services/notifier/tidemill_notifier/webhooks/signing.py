"""Signatures of webhooks as https://www.standardwebhooks.com describes them."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

PREFIX = "whsec_"
SECRET_BYTES = 32


class Key(Struct, frozen=True):
    """A secret that signs, until it is replaced."""

    secret: bytes
    expires_at: datetime | None = None


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """A secret as receivers keep it."""
    return PREFIX + b64encode(secret).decode()


def headers(event_id: UUID, sent_at: datetime, body: bytes, keys: Iterable[Key]) -> dict[str, str]:
    """What goes with a body: one signature for each key that is good at this moment."""
    seconds = int(sent_at.timestamp())
    signed = b"%b.%d.%b" % (str(event_id).encode(), seconds, body)
    good = [key for key in keys if key.expires_at is None or key.expires_at > sent_at]
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(_signature(key.secret, signed) for key in good),
    }


def _signature(secret: bytes, signed: bytes) -> str:
    return f"v1,{b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"
