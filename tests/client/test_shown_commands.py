"""Commands that the documents show are commands that there are."""

import re
import shlex
from copy import copy
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer

from tidemill_client import cli

USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
ROOT = Path(__file__).parents[2]
PREFIX = "uv run tidemill "
SHOWN = sorted(
    {
        line.partition(PREFIX)[2]
        for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for line in re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8")).splitlines()
        if re.match(rf"(\w+=\S+ )*{PREFIX}", line)
    }
)


@pytest.fixture(scope="module")
def tidemill() -> Any:
    whole = copy(cli.app)
    whole.registered_groups = [*cli.app.registered_groups]
    cli.add_groups(whole, entry_points(group=cli.GROUP))
    return typer.main.get_command(whole)


@pytest.mark.parametrize("shown", SHOWN)
def test_a_command_that_is_shown_can_be_given(tidemill: Any, shown: str) -> None:
    words = shlex.split(shown, comments=True)

    assert refusal(tidemill, words) is None


def refusal(command: Any, words: list[str], above: Any = None) -> str | None:
    """What the command line says against these words; placeholders such as JOB are all right."""
    try:
        context = command.make_context(words[0] if words else "", words, parent=above)
    except typer.BadParameter as error:
        return error.format_message() if type(error).__name__ == "MissingParameter" else None
    except USAGE_ERROR as error:
        return error.format_message()
    rest = [*context._protected_args, *context.args]
    if not rest or not hasattr(command, "resolve_command"):
        return None
    try:
        _, below, words = command.resolve_command(context, rest)
    except USAGE_ERROR as error:
        return error.format_message()
    return refusal(below, words, context)
