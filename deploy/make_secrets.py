#!/usr/bin/env python3
"""Makes the secrets that compose.yaml mounts: `uv run python deploy/make_secrets.py [FOLDER]`.

What is there stays, what is missing is made, so it may run again at any time. Every container
gets a folder of its own. The outer folder keeps other users of this machine out; below it files
are readable, because a container's user is not the one who made them.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from tidemill_stack.credentials import (
    JWT_KEY_FILE,
    S3_IDENTITIES_FILE,
    Credentials,
    load_or_make,
)
from tidemill_stack.services import WITHOUT_DATABASE, installed, role_url

HERE = Path(__file__).parent
DATABASE = "postgresql://postgres:5432/tidemill"


def main(folder: Path) -> None:
    services = installed()
    credentials = load_or_make(folder, services, {})
    for name, files in containers(folder, credentials, services).items():
        _write(folder / name, files)
    for name, variables in environments(credentials).items():
        lines = [f"{variable}={value}\n" for variable, value in variables.items()]
        _write_file(folder / f"{name}.env", "".join(lines), mode=0o600)


def containers(
    folder: Path, credentials: Credentials, services: list[str]
) -> dict[str, dict[str, str]]:
    """What each container finds in /run/secrets, by file name."""
    admin_url = role_url(DATABASE, "tidemill", credentials.postgres_admin)
    with_tables = [name for name in services if name not in WITHOUT_DATABASE]
    found = {name: {"nats-password": credentials.nats[name]} for name in services}
    found["postgres"] = {"password": credentials.postgres_admin}
    found["seaweedfs"] = {S3_IDENTITIES_FILE: (folder / S3_IDENTITIES_FILE).read_text()}
    found["migrate"] = {"admin-database-url": admin_url}
    for name in with_tables:
        password = credentials.postgres[name]
        found[name]["database-url"] = role_url(DATABASE, f"tidemill_{name}", password)
        found["migrate"][f"{name}-db-password"] = password
    for name in set(credentials.s3) & set(services):
        key = credentials.s3[name]
        found[name] |= {"s3-access-key": key.access_key, "s3-secret-key": key.secret_key}
    found["identity"]["jwt-private-key"] = (folder / JWT_KEY_FILE).read_text()
    return found


def environments(credentials: Credentials) -> dict[str, dict[str, str]]:
    """What servers take from their environment alone."""
    write, read, filer_write, filer_read = credentials.s3_internal_keys
    return {
        "nats": {f"TM_NATS_{n.upper()}_PASSWORD": p for n, p in credentials.nats.items()},
        "seaweedfs": {
            "WEED_S3_SSE_KEK": credentials.s3_encryption_key,
            "WEED_JWT_SIGNING_KEY": write,
            "WEED_JWT_SIGNING_READ_KEY": read,
            "WEED_JWT_FILER_SIGNING_KEY": filer_write,
            "WEED_JWT_FILER_SIGNING_READ_KEY": filer_read,
        },
    }


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for name, body in files.items():
        _write_file(folder / name, body, mode=0o444)


def _write_file(file: Path, body: str, *, mode: int) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(body)
    file.chmod(mode)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else HERE / "secrets")
