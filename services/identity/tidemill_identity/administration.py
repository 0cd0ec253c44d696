"""`tidemill-users`: what only the system's operator may do, with the service's own environment."""

import argparse
import asyncio
import sys

import msgspec

from tidemill_contracts.identity import Email, Password
from tidemill_identity import usecases
from tidemill_identity.passwords import Passwords
from tidemill_identity.settings import Settings
from tidemill_kit.db import Database
from tidemill_kit.errors import TidemillError
from tidemill_kit.settings import load

SERVICE = "identity"


def main() -> None:
    """`create --email E [--admin]` takes the password as one line of standard input.

    `setup-link` makes the one-time link. Both write a line of JSON; exit 1 says why on stderr.
    """
    try:
        answer = asyncio.run(_run(_arguments(), load(Settings)))
    except (TidemillError, msgspec.ValidationError) as error:
        detail = error.code() if isinstance(error, TidemillError) else "bad_request"
        sys.exit(f"{detail}: {error}")
    sys.stdout.write(f"{msgspec.json.encode(answer).decode()}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tidemill-users", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a user with a tenant of its own")
    create.add_argument("--email", required=True)
    create.add_argument("--admin", action="store_true", help="of the whole system")
    commands.add_parser("setup-link", help="make the link for the system's first administrator")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace, settings: Settings) -> object:
    async with Database.open(settings, SERVICE) as database:
        if arguments.command == "setup-link":
            return await _setup_link(database, settings)
        password = sys.stdin.readline().rstrip("\r\n")
        return await usecases.register(
            database,
            Passwords(max_waiting=1),
            msgspec.convert(arguments.email, Email),
            msgspec.convert(password, Password),
            system_admin=arguments.admin,
        )


async def _setup_link(database: Database, settings: Settings) -> dict[str, object]:
    token = await usecases.make_setup_link(database, settings)
    if token is None:
        return {"needed": False}
    # behind the hash, so that no server or log on the way sees it
    return {"needed": True, "token": token, "url": f"{settings.public_url}/setup#{token}"}
