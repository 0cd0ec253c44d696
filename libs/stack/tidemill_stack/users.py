"""The commands about users that need the machine, not a token."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from tidemill_stack import services
from tidemill_stack.attach import surroundings
from tidemill_stack.commands import Data, spoken
from tidemill_stack.settings import data_folder, environment

app = typer.Typer()
users = typer.Typer(help="Users, made by whoever runs this machine.", no_args_is_help=True)
app.add_typer(users, name="users")


@users.command("create")
@spoken
def create(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    *,
    admin: Annotated[bool, typer.Option("--admin", help="Of the whole system.")] = False,
    data: Data = None,
) -> None:
    """Make a user with a tenant of its own; asks for the password, or reads it from a pipe."""
    folder = (data or data_folder(environment())).absolute()
    password = _password()
    command = [str(Path(sys.executable).with_name("tidemill-users")), "create", "--email", email]
    made = subprocess.run(  # noqa: S603 - our own console script, no shell
        [*command, *(["--admin"] if admin else [])],
        input=f"{password}\n",
        text=True,
        env=services.environment("identity", surroundings(folder)),
        check=False,
    )
    raise typer.Exit(made.returncode)


def _password() -> str:
    if sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\r\n")
