"""Keys, sessions, members, invitations, and who did what."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from tidemill_client import calling, terminal
from tidemill_client.client import Client
from tidemill_client.commands.options import AsJson, Limit
from tidemill_client.wording import clock
from tidemill_contracts.access import ApiKey, Invitation
from tidemill_contracts.identity import Role

keys = typer.Typer(no_args_is_help=True, help="Keys with which programs call.")
sessions = typer.Typer(no_args_is_help=True, help="Where you are signed in.")
members = typer.Typer(no_args_is_help=True, help="Who belongs to your tenant.")
invite = typer.Typer(no_args_is_help=True, help="Links with which others become members.")

KeyId = Annotated[UUID, typer.Argument(help="The key's id.", metavar="KEY")]
SessionId = Annotated[
    UUID | None, typer.Argument(help="The session's id; none ends all others.", metavar="SESSION")
]
UserId = Annotated[UUID, typer.Argument(help="The member's id.", metavar="USER")]
InvitationId = Annotated[UUID, typer.Argument(help="The invitation's id.", metavar="INVITATION")]
AsRole = Annotated[Role, typer.Option("--role", help="What it may do.")]


@keys.command("list")
def listed_keys(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List your keys; an admin sees those of all members."""
    found = calling.run(context, Client.api_keys)
    if as_json:
        terminal.json_page(found)
    else:
        _key_table(found)


@keys.command("create")
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: AsRole = Role.OPERATOR,
    expires: Annotated[
        datetime | None, typer.Option(help="When it ends (local time); else never.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown this once. Use it as TM_TOKEN."""
    moment = expires.astimezone() if expires else None
    made = calling.run(
        context, lambda client: client.create_api_key(name, role=role, expires_at=moment)
    )
    if as_json:
        terminal.json_page(made)
    else:
        typer.echo(made.key)
        terminal.note(f"key {made.id} as {made.role.value}; it is not shown again")


@keys.command("revoke")
def revoke_key(context: typer.Context, key: KeyId) -> None:
    """Make a key void."""
    calling.run(context, lambda client: client.revoke_api_key(key))
    terminal.note(f"revoked {key}")


@sessions.command("list")
def listed_sessions(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List your sessions that are open."""
    found = calling.run(context, Client.sessions)
    if as_json:
        terminal.json_page(found)
        return
    terminal.table(
        ["id", "this one", "address", "last used", "program"],
        [
            (
                each.id,
                "yes" if each.current else "",
                each.address,
                clock(each.last_used_at),
                each.user_agent,
            )
            for each in found
        ],
    )


@sessions.command("end")
def end_session(context: typer.Context, session: SessionId = None) -> None:
    """End a session, or all but this one."""
    if session is None:
        calling.run(context, Client.end_other_sessions)
    else:
        calling.run(context, lambda client: client.end_session(session))
    terminal.note(f"ended {session or 'all other sessions'}")


@members.command("list")
def listed_members(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the members of your tenant."""
    found = calling.run(context, Client.members)
    if as_json:
        terminal.json_page(found)
        return
    terminal.table(
        ["id", "email", "role", "last seen"],
        [(each.id, each.email, each.role.value, clock(each.last_seen_at)) for each in found],
    )


@members.command("role")
def change_role(
    context: typer.Context,
    user: UserId,
    role: Annotated[Role, typer.Argument(help="What they may do from now on.")],
) -> None:
    """Give a member another role."""
    changed = calling.run(context, lambda client: client.change_member(user, role))
    terminal.note(f"{changed.email} is {changed.role.value}")


@members.command("remove")
def remove_member(context: typer.Context, user: UserId) -> None:
    """Remove a member, or leave."""
    calling.run(context, lambda client: client.remove_member(user))
    terminal.note(f"removed {user}")


@members.command("reset")
def reset_password(context: typer.Context, user: UserId, *, as_json: AsJson = False) -> None:
    """Make a link with which a member chooses a new password; hand it over yourself."""
    link = calling.run(context, lambda client: client.reset_link(user))
    if as_json:
        terminal.json_page(link)
    else:
        typer.echo(link.url)


@invite.command("create")
def create_invitation(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="Whom it is for.")],
    role: AsRole = Role.OPERATOR,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a link for a new member; it is shown this once."""
    made = calling.run(context, lambda client: client.invite(email, role=role))
    if as_json:
        terminal.json_page(made)
    else:
        typer.echo(made.url)
        terminal.note(f"for {made.email} as {made.role.value}, until {clock(made.expires_at)}")


@invite.command("list")
def listed_invitations(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the invitations that can still be accepted."""
    found = calling.run(context, Client.invitations)
    if as_json:
        terminal.json_page(found)
    else:
        _invitation_table(found)


@invite.command("withdraw")
def withdraw_invitation(context: typer.Context, invitation: InvitationId) -> None:
    """Make an invitation void."""
    calling.run(context, lambda client: client.withdraw_invitation(invitation))
    terminal.note(f"withdrew {invitation}")


def audit(
    context: typer.Context,
    actor: Annotated[UUID | None, typer.Option(help="Only what this user did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as member.removed.")] = None,
    target: Annotated[str | None, typer.Option(help="Only what was done to this id.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Not before this (local time).")] = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List who did what, newest first."""
    moment = since.astimezone() if since else None
    page = calling.run(
        context,
        lambda client: client.audit(
            actor_id=actor, action=action, target=target, since=moment, limit=limit
        ),
    )
    if as_json:
        terminal.json_page(page)
        return
    terminal.table(
        ["at", "who", "action", "to", "outcome", "from"],
        [
            (clock(each.at), each.actor, each.action, each.target, each.outcome, each.address)
            for each in page.items
        ],
    )


def _key_table(found: list[ApiKey]) -> None:
    terminal.table(
        ["id", "name", "key", "role", "last used", "ends"],
        [
            (
                each.id,
                each.name,
                f"{each.prefix}…",
                each.role.value,
                clock(each.last_used_at),
                clock(each.expires_at),
            )
            for each in found
        ],
    )


def _invitation_table(found: list[Invitation]) -> None:
    terminal.table(
        ["id", "email", "role", "ends"],
        [(each.id, each.email, each.role.value, clock(each.expires_at)) for each in found],
    )
