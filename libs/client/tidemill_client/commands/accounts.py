"""Registration and sign-in."""

from typing import Annotated

import typer

from tidemill_client import calling, settings, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson
from tidemill_client.credentials import Credentials
from tidemill_client.keyring import Keyring, granted

app = typer.Typer()

Email = Annotated[
    str, typer.Option("--email", "-e", prompt=True, help="The address you sign in with.")
]
Password = Annotated[
    str | None,
    typer.Option("--password", help="Seen by other users of this machine; better be asked."),
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


@app.command()
def register(
    context: typer.Context, email: Email, password: Password = None, *, stdin: FromStdin = False
) -> None:
    """Make a user with a tenant of its own, and sign in."""
    secret = _password(password, stdin=stdin, twice=True)

    async def use(client: Client) -> None:
        made = await client.register(email, secret)
        terminal.note(f"registered {made.user.email}, tenant {made.tenant.id}")

    calling.run(context, use)
    _sign_in(context, email, secret)


@app.command()
def login(
    context: typer.Context, email: Email, password: Password = None, *, stdin: FromStdin = False
) -> None:
    """Sign in; later commands use this sign-in until `tidemill logout`."""
    _sign_in(context, email, _password(password, stdin=stdin))


@app.command()
def logout(context: typer.Context) -> None:
    """End the session and forget it."""
    calling.run(context, Client.sign_out)
    Credentials(settings.load().folder).sign_out(calling.address(context))
    terminal.note("signed out")


@app.command()
def whoami(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say who is signed in where."""
    me = calling.run(context, Client.me)
    if as_json:
        terminal.json_page(me)
    else:
        url = calling.address(context)
        terminal.table(
            ["email", "role", "tenant", "address"], [(me.email, me.role, me.tenant_id, url)]
        )


def _sign_in(context: typer.Context, email: str, password: str) -> None:
    url = calling.address(context)
    credentials = Credentials(settings.load().folder)

    async def use(_: Client) -> None:
        async with Client(url, keyring=Keyring()) as client:
            credentials.sign_in(url, email, granted(await client.sign_in(email, password)))

    calling.run(context, use)
    terminal.note(f"signed in to {url} as {email}")


def _password(given: str | None, *, stdin: bool, twice: bool = False) -> str:
    if given is not None:
        return given
    if stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\r\n")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=twice)
    return asked
