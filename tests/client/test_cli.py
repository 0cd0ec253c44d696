"""The command, without anything that answers it."""

import os
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tidemill_client import calling, cli, settings
from tidemill_client.commands.datasets import bar
from tidemill_contracts.jobs import JobStatus, StepSpec


def commands(command: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found = {path: command}
    for name, child in getattr(command, "commands", {}).items():
        found |= commands(child, (*path, name))
    return found


COMMANDS = commands(typer.main.get_command(cli.app))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_has_help(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]

    result = CliRunner().invoke(cli.app, [*path, "--help"])

    assert result.exit_code == 0
    assert command.help
    assert all(getattr(each, "help", None) for each in command.params)


def test_the_commands_are_all_there() -> None:
    names = {" ".join(path) for path in COMMANDS}

    assert names >= {
        "version",
        "login",
        "register",
        "datasets upload",
        "datasets list",
        "datasets show",
        "jobs submit",
        "jobs list",
        "jobs show",
        "jobs cancel",
        "jobs events",
        "jobs result",
        "pipelines list",
        "pipelines run",
        "processors",
        "events",
        "logs",
    }


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(cli.app, ["version"])

    assert result.output == "tidemill 0.1.0\n"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "arguments",
    [
        ["jobs", "list"],
        ["jobs", "submit", "--processor", "noop", "--wait"],
        ["processors", "--json"],
        ["events"],
        ["register", "--email", "a@b.example", "--password", "12345678"],
    ],
)
def test_where_nobody_answers_one_line_says_so(nobody: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(cli.app, ["--url", nobody, *arguments])

    assert result.exit_code == calling.REFUSED
    assert result.stderr == (
        f"tidemill: nothing answers at {nobody}; start it with `tidemill up`\n"
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["jobs", "submit", "-p", "add", "--params", "{"], "--params"),
        (["jobs", "submit", "-p", "add", "--params", "[]"], "--params"),
        (["jobs", "submit", "--steps", '[{"name": "add"}]'], "--steps"),
        (["jobs", "submit", "--steps", "/no/such/file"], "/no/such/file"),
        (["jobs", "submit", "-p", "add", "--value", "ten"], "--value"),
        (["jobs", "submit", "-p", "add", "--label", "bare"], "--label"),
        (["jobs", "show", "17"], "JOB"),
        (["datasets", "upload", "/no/such/file"], "/no/such/file"),
        (["datasets", "upload", __file__, "--read", "header"], "KEY=VALUE"),
        (["datasets", "upload", __file__, "--read", "header=perhaps"], "header"),
        (["datasets", "upload", __file__, "--read", "types.a=colour"], "types"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error_that_names_it(
    arguments: list[str], named: str
) -> None:
    result = CliRunner().invoke(cli.app, arguments)

    assert result.exit_code == 2
    assert named in result.stderr


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (JobStatus.SUCCEEDED, 0),
        (JobStatus.FAILED, 1),
        (JobStatus.CANCELLED, 2),
        (JobStatus.EXPIRED, 2),
    ],
)
def test_the_exit_code_is_the_outcome(status: JobStatus, code: int) -> None:
    assert calling.OUTCOMES[status] == code


def test_every_ending_has_an_exit_code() -> None:
    assert set(calling.OUTCOMES) == {status for status in JobStatus if status.is_final}


def test_steps_come_as_json_or_from_a_file(tmp_path: Path) -> None:
    text = '[{"processor": "add", "params": {"amount": 5}}]'
    file = tmp_path / "steps.json"
    file.write_text(text)

    given = [calling.json_or_file(source) for source in (text, str(file), f"@{file}")]

    assert given == [text] * 3
    steps = calling.json_value(given[0], list[StepSpec], option="--steps")
    assert steps == [StepSpec(processor="add", params={"amount": 5})]


def test_commands_that_cannot_be_loaded_leave_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = typer.Typer()
    points = [
        EntryPoint("gone", "tidemill_nowhere.commands:app", cli.GROUP),
        EntryPoint("datasets", "tidemill_client.commands.datasets:app", cli.GROUP),
    ]

    cli.add_groups(app, points)

    assert len(app.registered_groups) == 1
    assert "tidemill_nowhere.commands:app are left out" in capsys.readouterr().err


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("tm_live_x\n")

    found = settings.load(
        {"TM_URL": "http://h", "TM_TOKEN_FILE": str(secret), "XDG_CONFIG_HOME": "/c"}
    )

    assert found == settings.Settings(url="http://h", token="tm_live_x", folder=Path("/c/tidemill"))


def test_without_an_environment_settings_are_below_the_home() -> None:
    found = settings.load({"HOME": "/home/u"})

    assert found == settings.Settings(url=None, token=None, folder=Path("/home/u/.config/tidemill"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["events", "--type", "nothing.*"],
        ["events", "--since", "2020-99-99"],
        ["events", "show", "no-such-file"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli.app, arguments)

    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_bar_shows_any_name_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, side = os.openpty()
    written, cursor_again = b"", b"\x1b[?25h"
    with os.fdopen(side, "w") as terminal, os.fdopen(screen, "rb", buffering=0) as shown:
        monkeypatch.setattr("sys.stderr", terminal)

        with bar("a{b}[red].csv") as told:
            told(8, 8)
        while cursor_again not in written:
            written += shown.read(4_096)

    assert b"a{b}[red].csv, being checked" in written
