"""Sessions and passwords of those who are signed in, and new passwords by a link."""

from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.access import ChangePassword, OpenSession, ResetLink, ResetPassword
from tidemill_contracts.identity import Principal, SignIn
from tidemill_contracts.ids import now
from tidemill_identity import guessing, lifecycle, tokens, usecases
from tidemill_identity.access_repository import ResetRepository
from tidemill_identity.audit import Actor, AuditRepository
from tidemill_identity.keys import NotByKey
from tidemill_identity.lifecycle import Origin, account_counter
from tidemill_identity.passwords import Passwords
from tidemill_identity.repository import AccountRepository, FailureRepository, SessionRepository
from tidemill_identity.settings import Settings
from tidemill_kit.auth import Authenticator
from tidemill_kit.db import Database
from tidemill_kit.errors import Forbidden, Invalid, NotFound, NotSignedIn

RESET_PREFIX = "tm_reset_"


class SessionNotFound(NotFound):
    """You have no such session."""


class WrongPassword(Invalid):
    """The old password is wrong."""


class ResetLinkInvalid(Forbidden):
    """This link is unknown, was used or has expired."""


class UserNotFound(NotFound):
    """There is no such user."""


class TakesTheAdministrator(Forbidden):
    """Only the system's administrator may do this to an administrator of the system."""


async def sessions_of(sessions: SessionRepository, caller: Principal) -> list[OpenSession]:
    return [
        OpenSession(
            id=each.id,
            user_agent=each.user_agent,
            address=each.address,
            created_at=each.created_at,
            last_used_at=each.used_at,
            expires_at=each.expires_at,
            current=each.id == caller.session_id,
        )
        for each in await sessions.open_ones(caller.user_id, now())
    ]


async def end_session(
    database: Database,
    authenticator: Authenticator,
    caller: Principal,
    actor: Actor,
    session_id: UUID,
) -> None:
    """End one of the caller's sessions, what it has open included."""
    moment = now()
    async with database.on_behalf_of(caller.tenant_id) as connection:
        sessions = SessionRepository(connection, caller.tenant_id)
        mine = await sessions.open_ones(caller.user_id, moment)
        found = next((each for each in mine if each.id == session_id), None)
        if found is None:
            raise SessionNotFound
        await sessions.revoke(found, moment)
        trail = AuditRepository(connection, caller.tenant_id)
        await trail.note(actor, "session.revoked", session_id)
    authenticator.revoke(session_id)


async def end_other_sessions(
    database: Database,
    authenticator: Authenticator,
    caller: Principal,
    actor: Actor,
) -> None:
    """End all of the caller's sessions but the one that asks."""
    async with database.on_behalf_of(caller.tenant_id) as connection:
        ended = await _end_all(connection, actor, caller.user_id, but=caller.session_id)
    authenticator.revoke(*ended)


async def change_password(
    database: Database,
    passwords: Passwords,
    settings: Settings,
    authenticator: Authenticator,
    *,
    caller: Principal,
    order: ChangePassword,
    origin: Origin,
) -> None:
    """Take a new password for the old one; ends the user's other sessions."""
    if caller.by_key:
        raise NotByKey
    async with database.transaction() as connection:
        account = await AccountRepository(connection).by_id(caller.user_id)
    if account is None:
        raise NotSignedIn
    lifecycle.accept(account.email, order.new_password)
    given = SignIn(account.email, order.old_password)
    try:
        await usecases.check(database, passwords, settings, given, origin)
    except usecases.WrongCredentials as error:
        raise WrongPassword from error
    actor = Actor.calling(caller, origin)
    async with passwords.turn():
        password_hash = await passwords.hash(order.new_password)
    async with database.transaction() as connection:
        await AccountRepository(connection).rehash(account.id, password_hash)
        await FailureRepository(connection).forgive(account_counter(account.email))
        trail = AuditRepository(connection, caller.tenant_id)
        await trail.note(actor, "password.changed", account.id)
        ended = await _end_all(connection, actor, account.id, but=caller.session_id)
    authenticator.revoke(*ended)


async def make_reset_link(
    database: Database,
    settings: Settings,
    caller: Principal,
    actor: Actor,
    user_id: UUID,
) -> ResetLink:
    """A one-time link with which a member of the tenant chooses a new password.

    The system's administrator makes one for anybody.
    """
    secret = tokens.new_secret(RESET_PREFIX)
    expires_at = now() + timedelta(seconds=settings.reset_link_s)
    async with database.transaction() as connection:
        account = await AccountRepository(connection).by_id(user_id)
        if account is None or account.disabled_at is not None:
            raise UserNotFound
        if account.tenant_id != caller.tenant_id and not caller.system_admin:
            raise UserNotFound
        if account.system_admin and not caller.system_admin:
            raise TakesTheAdministrator
        resets = ResetRepository(connection, account.tenant_id)
        await resets.add(user_id, tokens.digest(secret), expires_at)
        trail = AuditRepository(connection, account.tenant_id)
        # the system's administrator may be of another tenant than the trail
        there = replace(actor, tenant_id=account.tenant_id)
        await trail.note(there, "password.reset_offered", user_id)
    # behind the hash, so that no server or log on the way sees it
    url = f"{settings.public_url}/reset#{secret}"
    return ResetLink(user_id=user_id, token=secret, url=url, expires_at=expires_at)


async def reset_password(
    database: Database,
    passwords: Passwords,
    authenticator: Authenticator,
    order: ResetPassword,
    origin: Origin,
) -> None:
    """Use a link up for a new password; ends all the user's sessions."""
    async with passwords.turn():
        password_hash = await passwords.hash(order.password)
    async with database.transaction() as connection:
        accounts = AccountRepository(connection)
        user_id = await ResetRepository(connection).use(tokens.digest(order.token))
        account = await accounts.by_id(user_id) if user_id else None
        if account is None or account.disabled_at is not None:
            raise ResetLinkInvalid
        lifecycle.accept(account.email, order.password)
        await accounts.rehash(account.id, password_hash)
        await FailureRepository(connection).forgive(account_counter(account.email))
        actor = _by_link(account, origin)
        trail = AuditRepository(connection, account.tenant_id)
        await trail.note(actor, "password.reset", account.id)
        ended = await _end_all(connection, actor, account.id)
    authenticator.revoke(*ended)


async def _end_all(
    connection: AsyncConnection,
    actor: Actor,
    user_id: UUID,
    *,
    but: UUID | None = None,
) -> list[UUID]:
    sessions = SessionRepository(connection, actor.tenant_id)
    trail = AuditRepository(connection, actor.tenant_id)
    ended = await sessions.end_all(user_id, now(), but=but)
    for session_id in ended:
        await trail.note(actor, "session.revoked", session_id)
    return ended


def _by_link(account: lifecycle.Account, origin: Origin) -> Actor:
    return replace(guessing.known_by_password(account, origin), via="link")
