"""Secrets: who may read them, and where they are not."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from tidemill_stack import credentials
from tidemill_stack.credentials import Credentials, load_or_make
from tidemill_stack.stack import Stack

SERVICES = ["identity", "ingestion", "jobs", "notifier", "processor"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def every_secret(kept: Credentials) -> list[str]:
    own = [kept.postgres_admin, kept.s3_encryption_key, *kept.s3_internal_keys]
    return [
        *own,
        *kept.postgres.values(),
        *kept.nats.values(),
        *[k.secret_key for k in kept.s3.values()],
    ]


def test_only_the_owner_may_read_secrets_state_and_logs(servers: Stack) -> None:
    folder = servers.data

    private = [*(folder / "secrets").iterdir(), *(folder / "logs").iterdir(), folder / "stack.json"]

    assert mode(folder) == mode(folder / "secrets") == 0o700
    assert {each.name: mode(each) for each in private} == {each.name: 0o600 for each in private}
    assert {"secrets.json", "jwt.pem", "s3.json"} == {
        each.name for each in (folder / "secrets").iterdir()
    }


def test_no_secret_stands_in_a_command_line_a_log_or_the_state(servers: Stack) -> None:
    pids = [each.pid for each in servers.running() if each.pid is not None]

    told = [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
    told += [log.read_text(errors="replace") for log in (servers.data / "logs").iterdir()]
    told.append((servers.data / "stack.json").read_text())

    assert len(pids) == 3
    assert not [s for s in every_secret(servers.credentials) for text in told if s in text]


def test_a_second_start_keeps_every_secret(tmp_path: Path) -> None:
    first = load_or_make(tmp_path, SERVICES, {})
    signing_key = (tmp_path / credentials.JWT_KEY_FILE).read_bytes()

    second = load_or_make(tmp_path, SERVICES, {})

    assert second == first
    assert (tmp_path / credentials.JWT_KEY_FILE).read_bytes() == signing_key


def test_a_new_service_gets_its_secrets_beside_the_old_ones(tmp_path: Path) -> None:
    before = load_or_make(tmp_path, SERVICES[:-1], {})

    after = load_or_make(tmp_path, SERVICES, {})

    assert after.nats == {**before.nats, "processor": after.nats["processor"]}
    assert after.nats["processor"].startswith("p")


def test_passwords_of_outside_servers_are_used_and_not_kept(tmp_path: Path) -> None:
    env = {"TM_NATS_JOBS_PASSWORD": "theirs", "TM_JOBS_DB_PASSWORD": "theirs too"}

    found = load_or_make(tmp_path, SERVICES, env)

    assert (found.nats["jobs"], found.postgres["jobs"]) == ("theirs", "theirs too")
    assert b"theirs" not in (tmp_path / credentials.FILE).read_bytes()


def test_the_signing_key_is_an_ed25519_key(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    load_or_make(tmp_path, SERVICES, {})

    key = load_pem_private_key((tmp_path / credentials.JWT_KEY_FILE).read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_its_own_secrets_alone(servers: Stack, service: str) -> None:
    kept = servers.credentials
    own = {kept.nats[service]}
    own |= {kept.postgres[service]} if service != "processor" else set()
    own |= {kept.s3[service].secret_key} if service in kept.s3 else set()

    told = " ".join(servers.env(service).values())

    assert {secret for secret in every_secret(kept) if secret in told} == own


def test_the_state_names_the_supervisor_and_every_process(servers: Stack) -> None:
    state = msgspec.json.decode((servers.data / "stack.json").read_bytes())

    named = {each["name"]: each["pid"] for each in state["components"]}

    assert state["supervisor"]["pid"] == os.getpid()
    assert named == {name: servers.pid(name) for name in ("postgres", "nats-server", "weed")}
