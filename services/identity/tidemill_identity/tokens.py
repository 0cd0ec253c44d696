"""Tokens: signed access tokens for minutes, opaque refresh tokens that are stored as digests."""

import base64
import hashlib
import re
import secrets
from typing import Any, Protocol
from uuid import UUID

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from tidemill_contracts.identity import Role, User
from tidemill_contracts.ids import now, uuid7
from tidemill_identity.lifecycle import Session
from tidemill_identity.settings import Settings
from tidemill_kit.auth import TOKEN_TYPE
from tidemill_kit.errors import NotSignedIn
from tidemill_kit.settings import SettingMissing

_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----", re.DOTALL)
_REFRESH_BYTES = 32
KEY_TOKEN_S = 60


class PublicKey(Struct, frozen=True):
    """An Ed25519 key as RFC 8037 writes it."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    alg: str = "EdDSA"
    use: str = "sig"


class KeySet(Struct, frozen=True):
    """The public keys, as RFC 7517 writes them."""

    keys: list[PublicKey]


class Key(Protocol):
    """An API key, as far as a token names it."""

    @property
    def id(self) -> UUID: ...
    @property
    def tenant_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID: ...


class Signer:
    """Signs with the first of its keys; checks without asking anybody."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._private = [_private_key(text) for text in _PEM.findall(settings.jwt_private_key)]
        if not self._private:
            raise SettingMissing("TM_JWT_PRIVATE_KEY holds no private key in PEM")
        self.public = KeySet([_public_key(key) for key in self._private])

    async def find(self, kid: str) -> Any:
        """The public key of this id; NotSignedIn where there is none."""
        for published, key in zip(self.public.keys, self._private, strict=True):
            if published.kid == kid:
                return key.public_key()
        raise NotSignedIn

    def access_token(self, user: User, session: Session) -> str:
        said = {"role": user.role.value, "system_admin": user.system_admin}
        return self._signed(session, said, self.lifetime_s(session))

    def key_token(self, key: Key, role: Role, left_s: int) -> tuple[str, int]:
        """A token for whom a key speaks for, and how many seconds it is good for."""
        lasts_s = min(KEY_TOKEN_S, self._settings.access_token_s, left_s)
        said = {"role": role.value, "system_admin": False, "by_key": True}
        return self._signed(key, said, lasts_s), lasts_s

    def _signed(self, known_by: Session | Key, said: dict[str, Any], lasts_s: int) -> str:
        issued = int(now().timestamp())
        claims = {
            "iss": self._settings.jwt_issuer,
            "aud": self._settings.jwt_audience,
            "sub": str(known_by.user_id),
            "tenant": str(known_by.tenant_id),
            "sid": str(known_by.id),
            "jti": str(uuid7()),
            "iat": issued,
            "nbf": issued,
            "exp": issued + lasts_s,
            **said,
        }
        headers = {"typ": TOKEN_TYPE, "kid": self.public.keys[0].kid}
        return jwt.encode(claims, self._private[0], algorithm="EdDSA", headers=headers)

    def lifetime_s(self, session: Session) -> int:
        """How long an access token of this session is good for: never longer than the session."""
        left = int((session.expires_at - now()).total_seconds())
        return max(1, min(self._settings.access_token_s, left))


def new_secret(prefix: str) -> str:
    """256 random bits behind a prefix that secret scanners recognise."""
    return f"{prefix}{secrets.token_urlsafe(_REFRESH_BYTES)}"


def digest(secret: str) -> bytes:
    """What is stored of a secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def thumbprint(x: str) -> str:
    """The key's id (RFC 7638)."""
    members = msgspec.json.encode({"crv": "Ed25519", "kty": "OKP", "x": x})
    return _base64(hashlib.sha256(members).digest())


def _private_key(text: str) -> Ed25519PrivateKey:
    key = load_pem_private_key(text.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingMissing("TM_JWT_PRIVATE_KEY must hold Ed25519 keys")
    return key


def _public_key(key: Ed25519PrivateKey) -> PublicKey:
    x = _base64(key.public_key().public_bytes_raw())
    return PublicKey(kid=thumbprint(x), x=x)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
