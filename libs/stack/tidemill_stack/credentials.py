"""Secrets of the embedded servers: made at the first start, kept in private files."""

import os
import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, structs

FILE = "secrets.json"
JWT_KEY_FILE = "jwt.pem"
S3_IDENTITIES_FILE = "s3.json"
_ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")

DATASETS = "tidemill-datasets"
RESULTS = "tidemill-results"
S3_RIGHTS: dict[str, tuple[str, ...]] = {
    "admin": ("Admin", "Read", "Write", "List", "Tagging"),
    # it keeps both buckets: what nobody needs any more it also removes from the results
    "ingestion": tuple(
        f"{right}:{bucket}" for bucket in (DATASETS, RESULTS) for right in ("Read", "Write", "List")
    ),
    "jobs": (f"Read:{RESULTS}",),
    "processor": (f"Read:{DATASETS}", f"Read:{RESULTS}", f"Write:{RESULTS}", f"List:{RESULTS}"),
}


class S3Key(Struct, frozen=True):
    """An identity of the object store."""

    access_key: str
    secret_key: str


class Credentials(Struct, frozen=True, kw_only=True):
    """Every secret but the key that signs tokens, which has a file of its own."""

    postgres_admin: str
    postgres: dict[str, str]
    nats: dict[str, str]
    s3: dict[str, S3Key]
    s3_encryption_key: str
    s3_internal_keys: tuple[str, str, str, str]


def load_or_make(folder: Path, services: Iterable[str], env: Mapping[str, str]) -> Credentials:
    """The secrets in this folder; what is missing is made, what is there stays.

    Passwords that the environment gives for servers elsewhere come before those in the folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    file = folder / FILE
    known = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    found = msgspec.convert(_complete(known, sorted(services)), Credentials)
    write_private(file, msgspec.json.format(msgspec.json.encode(found), indent=2))
    if not (folder / JWT_KEY_FILE).exists():
        write_private(folder / JWT_KEY_FILE, _signing_key())
    write_private(folder / S3_IDENTITIES_FILE, _identities(found.s3))
    return structs.replace(
        found,
        postgres={n: env.get(f"TM_{n.upper()}_DB_PASSWORD", p) for n, p in found.postgres.items()},
        nats={n: env.get(f"TM_NATS_{n.upper()}_PASSWORD", p) for n, p in found.nats.items()},
    )


def read(folder: Path) -> Credentials:
    """The secrets as they lie in the folder."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Credentials)


def write_private(file: Path, body: bytes) -> None:
    """Replace a file in one step; nobody but its owner may read it at any time."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    fresh.rename(file)


def _complete(known: dict[str, object], services: list[str]) -> dict[str, object]:
    made = {
        "postgres_admin": _password(),
        "postgres": {name: _password() for name in services},
        "nats": {name: _password() for name in services},
        "s3": {name: _s3_key(name) for name in S3_RIGHTS},
        "s3_encryption_key": secrets.token_hex(32),
        "s3_internal_keys": [secrets.token_hex(32) for _ in range(4)],
    }
    return {name: _merged(known.get(name), fresh) for name, fresh in made.items()}


def _merged(known: object, fresh: object) -> object:
    if isinstance(known, dict) and isinstance(fresh, dict):
        return {**fresh, **known}
    return known or fresh


def _password() -> str:
    """Begins with a letter: nats-server reads a value that begins with a digit as a number."""
    return f"p{secrets.token_hex(24)}"


def _s3_key(name: str) -> dict[str, str]:
    return {
        "access_key": f"tm{name}{secrets.token_hex(6)}",
        "secret_key": secrets.token_urlsafe(32),
    }


def _signing_key() -> bytes:
    """An Ed25519 key as PKCS #8 in PEM (RFC 8410): any 32 random bytes are one."""
    body = b64encode(_ED25519_PKCS8 + secrets.token_bytes(32))
    return b"-----BEGIN PRIVATE KEY-----\n" + body + b"\n-----END PRIVATE KEY-----\n"


def _identities(keys: dict[str, S3Key]) -> bytes:
    """SeaweedFS' identities: each service may do what it needs, strangers may do nothing."""
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": key.access_key, "secretKey": key.secret_key}],
            "actions": S3_RIGHTS[name],
        }
        for name, key in keys.items()
        if name in S3_RIGHTS
    ]
    return msgspec.json.encode({"identities": identities})
