"""The commands of the stack, on servers that run already and where nothing runs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tidemill_stack import attach, services
from tidemill_stack.commands import app
from tidemill_stack.stack import Stack


def tidemill(*arguments: str, data: Path | None = None) -> Result:
    folder = ["--data", str(data)] if data else []
    return CliRunner().invoke(app, [*arguments, *folder])


def settings(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("TM_")}


def test_status_lists_every_process_for_programs(servers: Stack) -> None:
    found = tidemill("status", "--json", data=servers.data)

    rows = json.loads(found.stdout)
    assert [row["pid"] for row in rows] == [each.pid for each in servers.running()]
    assert {row["name"] for row in rows} == {"nats-server", "postgres", "weed"}
    assert {row["state"] for row in rows} == {"running"}
    assert set(rows[0]) == {"name", "pid", "port", "restarts", "state", "uptime_s"}


def test_status_is_a_table_for_people(servers: Stack) -> None:
    found = tidemill("status", data=servers.data)

    assert f"nats-server  {servers.pid('nats-server')}" in found.stdout
    assert servers.url in found.stderr


def test_status_warns_of_a_disk_that_is_nearly_full(
    servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TM_S3_FREE_PERCENT", "100")

    found = tidemill("status", data=servers.data)

    assert "the disk is nearly full, uploads and results are refused" in found.stderr


@pytest.mark.parametrize("command", ["status", "down"])
def test_where_nothing_runs_it_says_so(tmp_path: Path, command: str) -> None:
    found = tidemill(command, data=tmp_path)

    assert found.stderr.strip() == f"nothing runs on {tmp_path}"
    assert found.exit_code == (1 if command == "status" else 0)


def test_plain_http_for_others_must_be_asked_for(tmp_path: Path) -> None:
    found = tidemill("up", "--host", "0.0.0.0", data=tmp_path)  # noqa: S104 - refused

    assert found.exit_code == 1
    assert "--insecure" in found.stderr


def test_migrations_can_be_undone_and_done_again(servers: Stack) -> None:
    undone = tidemill("migrate", "down", "--service", "notifier", "--steps", "3", data=servers.data)
    between = tidemill("migrate", "status", data=servers.data)
    done = tidemill("migrate", "up", data=servers.data)

    assert [each.exit_code for each in (undone, between, done)] == [0, 0, 0]
    missing = [line.split()[0] for line in between.stdout.splitlines() if " none " in line]
    assert missing == ["notifier"]


def test_another_command_learns_the_environment_of_a_running_service(servers: Stack) -> None:
    around = attach.surroundings(servers.data)

    found = {name: settings(services.environment(name, around)) for name in ("identity", "jobs")}

    assert found == {name: settings(servers.env(name)) for name in ("identity", "jobs")}
