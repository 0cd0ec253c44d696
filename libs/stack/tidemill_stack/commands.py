"""The commands that run a stack: up, down, status, migrate."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from ipaddress import ip_address
from pathlib import Path
from signal import SIGTERM
from time import monotonic
from typing import Annotated

import typer

from tidemill_client import terminal
from tidemill_kit.disk import Disk
from tidemill_kit.errors import TidemillError
from tidemill_kit.settings import Settings, load
from tidemill_stack import services, state
from tidemill_stack.attach import surroundings
from tidemill_stack.errors import NotRunning, PlainAddress
from tidemill_stack.settings import DEFAULT_PORT, data_folder, environment, external
from tidemill_stack.supervise import Options

DOWN_S = 30.0

app = typer.Typer()
migrate = typer.Typer(help="Bring the tables up or down.", no_args_is_help=True)
app.add_typer(migrate, name="migrate")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder that keeps everything; a folder of your user's if left out."
    ),
]


def spoken[**P](command: Callable[P, None]) -> Callable[P, None]:
    """What is expected to go wrong is told in a line and ends with exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except TidemillError as error:
            terminal.note(str(error))
            raise typer.Exit(1) from None

    return run


@app.command()
@spoken
def up(
    *,
    port: Annotated[int, typer.Option(help="Port of the gateway; 0 takes a free one.")] = -1,
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address the gateway listens on.")] = "127.0.0.1",
    domain: Annotated[str | None, typer.Option(help="Name to be reached by, with HTTPS.")] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Tasks at a time; one a CPU.")] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Restart what changes.")] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="Plain HTTP for others.")] = False,
) -> None:
    """Start everything on this machine, and stop it on Ctrl-C."""
    if domain is None and not is_loopback(host) and not insecure:
        raise PlainAddress
    options = Options(
        data=str(_folder(data)),
        port=port if port >= 0 else 443 if domain else DEFAULT_PORT,
        host="0.0.0.0" if domain and is_loopback(host) else host,  # noqa: S104 - others shall come
        domain=domain,
        slots=slots,
        reload=reload,
    )
    command = options.command()
    os.execv(command[0], command)  # noqa: S606 - it takes this command's place


@app.command()
@spoken
def down(data: Data = None) -> None:
    """Stop the stack that runs on this folder."""
    folder = _folder(data)
    try:
        holder = state.running(folder).supervisor
    except NotRunning as error:
        terminal.note(str(error))
        return
    began = monotonic()
    with suppress(ProcessLookupError):
        os.kill(holder.pid, SIGTERM)
    if not state.has_ended(holder.pid, DOWN_S):
        raise NotRunning(f"process {holder.pid} still runs after {DOWN_S:.0f} s")
    terminal.note(f"stopped in {monotonic() - began:.1f} s")


@app.command()
@spoken
def status(
    *,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what runs, where, since when, and how often it was restarted."""
    found = state.running(_folder(data))
    rows = [
        {
            "name": each.name,
            "pid": each.pid,
            "port": each.port,
            "restarts": each.restarts,
            "state": each.state,
            "uptime_s": round((datetime.now(UTC) - each.since).total_seconds(), 1),
        }
        for each in found.components
    ]
    if as_json:
        terminal.json_page(rows)
        return
    terminal.table(
        ["name", "pid", "port", "restarts", "state", "seconds"], [[*r.values()] for r in rows]
    )
    settings = load(Settings, services.environment("ingestion", surroundings(_folder(data))))
    if lack := Disk(settings).lack():
        terminal.note(f"the disk is nearly full, uploads and results are refused: {lack}")
    terminal.note(f"{found.supervisor.url} (process {found.supervisor.pid})")


@migrate.command("status")
@spoken
def migrate_status(data: Data = None) -> None:
    """Show where each service's tables stand."""
    from tidemill_kit import migrate as tables

    rows = asyncio.run(tables.status(_admin_url(data)))
    cells = [(r.service, r.current or "none", r.newest or "none", r.pending) for r in rows]
    terminal.table(["service", "current", "newest", "pending"], cells)


@migrate.command("up")
@spoken
def migrate_up(data: Data = None) -> None:
    """Bring all tables to their newest form."""
    from tidemill_kit import migrate as tables

    url = _admin_url(data)
    for service in tables.services():
        asyncio.run(tables.upgrade(url, service))


@migrate.command("down")
@spoken
def migrate_down(
    steps: Annotated[int, typer.Option(min=1, help="Migrations to undo.")] = 1,
    service: Annotated[str | None, typer.Option(help="One service; all if left out.")] = None,
    data: Data = None,
) -> None:
    """Undo the last migrations, with the data in them."""
    asyncio.run(_undo(_admin_url(data), service, steps))


async def _undo(url: str, service: str | None, steps: int) -> None:
    from tidemill_kit import migrate as tables

    for each in await tables.status(url):
        if service in (None, each.service) and each.current is not None:
            await tables.downgrade(url, each.service, steps)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _folder(data: Path | None) -> Path:
    return (data or data_folder(environment())).absolute()


def _admin_url(data: Path | None) -> str:
    """The database the environment names, else that of the stack that runs."""
    given = external(environment()).admin_database_url
    return given or surroundings(_folder(data)).addresses.admin_database_url
