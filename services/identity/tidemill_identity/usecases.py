"""What identity does: register, sign in, renew, sign out, set up."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.identity import (
    RefreshSession,
    Registration,
    SignIn,
    SignOut,
    TokenPair,
    User,
)
from tidemill_contracts.ids import now
from tidemill_identity import guessing, lifecycle, tokens
from tidemill_identity.audit import Actor, AuditRepository
from tidemill_identity.lifecycle import Account, Origin, Session, account_counter
from tidemill_identity.passwords import Passwords
from tidemill_identity.repository import AccountRepository, FailureRepository, SessionRepository
from tidemill_identity.settings import Settings
from tidemill_identity.tokens import Signer
from tidemill_kit.auth import Authenticator
from tidemill_kit.db import Database
from tidemill_kit.errors import Conflict, Forbidden, NotSignedIn

SETUP_PREFIX = "tm_setup_"
REFRESH_PREFIX = "tm_refresh_"


class RegistrationClosed(Forbidden):
    """Nobody can register here."""


class InvitationNeeded(Forbidden):
    """Registering takes an invitation here."""


class EmailTaken(Conflict):
    """There is an account with this e-mail address."""


class WrongCredentials(NotSignedIn):
    """E-mail address or password is wrong."""


class RefreshTokenInvalid(NotSignedIn):
    """This refresh token is unknown, has expired or was revoked."""


class RefreshTokenReused(NotSignedIn):
    """This refresh token was used before; its whole session is revoked."""


class SetupLinkInvalid(Forbidden):
    """This setup link is unknown, was used or has expired."""


def may_register(settings: Settings) -> None:
    if settings.registration == "closed":
        raise RegistrationClosed
    if settings.registration == "invite":
        raise InvitationNeeded


async def register(
    database: Database,
    passwords: Passwords,
    email: str,
    password: str,
    *,
    origin: Origin | None = None,
    system_admin: bool = False,
) -> Registration:
    """Make a tenant with its admin; without an origin it is the operator who does it."""
    made, password_hash = await _prepare(passwords, email, password, system_admin=system_admin)
    async with database.transaction() as connection:
        if not await AccountRepository(connection).add(made, password_hash):
            raise EmailTaken
        await note_registration(connection, made, origin)
    return made


async def note_registration(
    connection: AsyncConnection,
    made: Registration,
    origin: Origin | None,
) -> None:
    actor = Actor(
        tenant_id=made.tenant.id,
        user_id=made.user.id,
        via="password" if origin else "operator",
        address=origin.address if origin else None,
    )
    trail = AuditRepository(connection, made.tenant.id)
    await trail.note(actor, "user.registered", made.user.id, role=made.user.role)


async def set_up(
    database: Database,
    passwords: Passwords,
    *,
    token: str,
    email: str,
    password: str,
    origin: Origin,
) -> Registration:
    """Make the system's first administrator and use up the link in one transaction."""
    made, password_hash = await _prepare(passwords, email, password, system_admin=True)
    async with database.transaction() as connection:
        accounts = AccountRepository(connection)
        good = await accounts.use_setup_link(tokens.digest(token))
        if not good or await accounts.has_administrator():
            raise SetupLinkInvalid
        if not await accounts.add(made, password_hash):
            raise EmailTaken
        await note_registration(connection, made, origin)
    return made


async def sign_in(
    database: Database,
    passwords: Passwords,
    signer: Signer,
    settings: Settings,
    *,
    order: SignIn,
    origin: Origin,
) -> TokenPair:
    """Open a session; an unknown address gets the answer of a wrong password, as late."""
    account = await check(database, passwords, settings, order, origin)
    session = lifecycle.open_session(account.user, origin, now(), settings.session_s)
    secret = tokens.new_secret(REFRESH_PREFIX)
    async with database.transaction() as connection:
        await SessionRepository(connection).add(session, tokens.digest(secret))
        await FailureRepository(connection).forgive(account_counter(order.email))
        trail = AuditRepository(connection, account.tenant_id)
        actor = guessing.known_by_password(account, origin)
        await trail.note(actor, "session.opened", session.id)
    return _pair(signer, account.user, session, secret)


async def refresh(
    database: Database,
    signer: Signer,
    authenticator: Authenticator,
    order: RefreshSession,
) -> TokenPair:
    """Renew a session once with each token; a token that comes twice ends the session."""
    secret, moment = tokens.new_secret(REFRESH_PREFIX), now()
    async with database.transaction() as connection:
        sessions = SessionRepository(connection)
        token = await sessions.find(tokens.digest(order.refresh_token))
        if token is None or not token.session.is_open(moment) or token.account.disabled_at:
            raise RefreshTokenInvalid
        reused = token.used_at is not None
        if reused:
            await sessions.revoke(token.session, moment)
            await _note_end(connection, token.session, "refresh_token_reused")
        else:
            await sessions.rotate(token, tokens.digest(secret), moment)
    if reused:
        authenticator.revoke(token.session.id)
        raise RefreshTokenReused
    return _pair(signer, token.account.user, token.session, secret)


async def sign_out(database: Database, authenticator: Authenticator, order: SignOut) -> None:
    """End the session; an unknown token changes nothing."""
    async with database.transaction() as connection:
        sessions = SessionRepository(connection)
        token = await sessions.find(tokens.digest(order.refresh_token))
        if token is not None and await sessions.revoke(token.session, now()):
            await _note_end(connection, token.session, "signed_out")
    if token is not None:
        authenticator.revoke(token.session.id)


async def make_setup_link(database: Database, settings: Settings) -> str | None:
    """The one-time token that makes the first system administrator; None if there is one."""
    secret = tokens.new_secret(SETUP_PREFIX)
    async with database.transaction() as connection:
        accounts = AccountRepository(connection)
        if await accounts.has_administrator():
            return None
        expires_at = now() + timedelta(seconds=settings.setup_link_s)
        await accounts.add_setup_link(tokens.digest(secret), expires_at)
    return secret


async def _prepare(
    passwords: Passwords,
    email: str,
    password: str,
    *,
    system_admin: bool,
) -> tuple[Registration, str]:
    lifecycle.accept(email, password)
    async with passwords.turn():
        password_hash = await passwords.hash(password)
    return lifecycle.register(email, now(), system_admin=system_admin), password_hash


async def check(
    database: Database,
    passwords: Passwords,
    settings: Settings,
    order: SignIn,
    origin: Origin,
) -> Account:
    """The account of this address and password; counts a failure, and refuses too many."""
    async with passwords.turn():
        await guessing.refuse(database, settings, order.email, origin)
        async with database.transaction() as connection:
            account = await AccountRepository(connection).by_email(order.email)
        known = account.password_hash if account else None
        fits = await passwords.fits(known, order.password)
        if account is None or not fits or account.disabled_at:
            await guessing.count(database, settings, order.email, origin, account)
            raise WrongCredentials
        if passwords.is_outdated(account.password_hash):
            renewed = await passwords.hash(order.password)
            async with database.transaction() as connection:
                await AccountRepository(connection).rehash(account.id, renewed)
    return account


async def _note_end(connection: AsyncConnection, session: Session, reason: str) -> None:
    actor = Actor(tenant_id=session.tenant_id, user_id=session.user_id, via="session")
    trail = AuditRepository(connection, session.tenant_id)
    await trail.note(actor, "session.revoked", session.id, reason=reason)


def _pair(signer: Signer, user: User, session: Session, secret: str) -> TokenPair:
    return TokenPair(
        access_token=signer.access_token(user, session),
        expires_in=signer.lifetime_s(session),
        refresh_token=secret,
    )
