"""How a command calls: whose client, and what the exit code says."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import typer

from tidemill_client import settings, terminal
from tidemill_client.client import Client
from tidemill_client.credentials import Credentials, StoredKeyring
from tidemill_client.problems import ApiProblem, ClientError
from tidemill_contracts.jobs import JobStatus

REFUSED = 3
INTERRUPTED = 130
OUTCOMES = {
    JobStatus.SUCCEEDED: 0,
    JobStatus.FAILED: 1,
    JobStatus.CANCELLED: 2,
    JobStatus.EXPIRED: 2,
}


def run[T](context: typer.Context, use: Callable[[Client], Awaitable[T]]) -> T:
    """Call with the chosen address and what `login` kept; errors end the command in one line."""

    async def called() -> T:
        async with client(context) as tidemill:
            return await use(tidemill)

    try:
        return asyncio.run(called())
    except BrokenPipeError:
        # the reader of our output has left; the command line knows how to end then
        raise
    except (ClientError, OSError) as error:
        terminal.note(f"tidemill: {error}{_advice(error)}")
        raise typer.Exit(REFUSED) from error
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def client(context: typer.Context) -> Client:
    found = settings.load()
    url = address(context)
    if found.token:
        return Client(url, found.token)
    return Client(url, keyring=StoredKeyring(Credentials(found.folder), url))


def address(context: typer.Context) -> str:
    """`--url`, else TM_URL, else where the last login was, else the default."""
    found = settings.load()
    chosen: str | None = context.obj
    kept = Credentials(found.folder).read().current
    return (chosen or found.url or kept or settings.DEFAULT_URL).rstrip("/")


def _advice(error: Exception) -> str:
    unknown = isinstance(error, ApiProblem) and error.status == HTTPStatus.UNAUTHORIZED
    return "; use `tidemill login` or set TM_TOKEN" if unknown else ""


def json_value[T](text: str, kind: type[T] | Any, *, option: str) -> T:
    """An option's JSON, read as this type; else a usage error that names the option."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def json_or_file(text: str) -> str:
    """JSON as it stands, or what the named file holds; `-` is standard input."""
    if text.lstrip()[:1] in ("[", "{"):
        return text
    try:
        if text == "-":
            return typer.get_text_stream("stdin").read()
        return Path(text.removeprefix("@")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{text}: {error}") from error


def labels(pairs: list[str] | None) -> dict[str, str]:
    """`key=value` options as labels."""
    found: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise typer.BadParameter(f"{pair!r} is not key=value", param_hint="--label")
        found[key] = value
    return found
