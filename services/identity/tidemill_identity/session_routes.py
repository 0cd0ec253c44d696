"""HTTP: your sessions and your password, and resets of passwords by a link."""

from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from tidemill_contracts.access import ChangePassword, OpenSession, ResetLink, ResetPassword
from tidemill_contracts.pages import Page
from tidemill_identity import sessions
from tidemill_identity.key_routes import Acting
from tidemill_identity.repository import SessionRepository
from tidemill_identity.routes import (
    NEVER_KEPT,
    Asking,
    Checking,
    Configured,
    Hashing,
    Store,
    origin_of,
)
from tidemill_kit.app import ADMIN, PUBLIC, READ, Caller


class SessionController(Controller):
    """Where you are signed in."""

    path = "/v1/sessions"
    tags = ("Identity",)
    cache_control = NEVER_KEPT

    @get(opt=READ)
    async def listed(
        self,
        principal: Caller,
        sessions_: NamedDependency[SessionRepository],
    ) -> Page[OpenSession]:
        """Your sessions that are open, newest first."""
        return Page(await sessions.sessions_of(sessions_, principal))

    @delete(opt=READ)
    async def end_others(
        self,
        principal: Caller,
        actor: Acting,
        database: Store,
        authenticator: Checking,
    ) -> None:
        """End all your sessions but this one."""
        await sessions.end_other_sessions(database, authenticator, principal, actor)

    @delete("/{session_id:uuid}", opt=READ)
    async def end(
        self,
        session_id: FromPath[UUID],
        principal: Caller,
        actor: Acting,
        database: Store,
        authenticator: Checking,
    ) -> None:
        """End one of your sessions; its tokens and sockets end within seconds."""
        await sessions.end_session(database, authenticator, principal, actor, session_id)


@post(
    "/v1/me/password",
    opt=READ,
    status_code=204,
    tags=["Identity"],
    cache_control=NEVER_KEPT,
)
async def change_password(
    data: JSONBody[ChangePassword],
    *,
    request: Asking,
    principal: Caller,
    database: Store,
    passwords: Hashing,
    settings: Configured,
    authenticator: Checking,
) -> None:
    """Choose a new password; all your other sessions end."""
    await sessions.change_password(
        database,
        passwords,
        settings,
        authenticator,
        caller=principal,
        order=data,
        origin=origin_of(request),
    )


@post(
    "/v1/users/{user_id:uuid}/reset",
    opt=ADMIN,
    tags=["Members"],
    cache_control=NEVER_KEPT,
)
async def offer_reset(
    user_id: FromPath[UUID],
    principal: Caller,
    actor: Acting,
    database: Store,
    settings: Configured,
) -> ResetLink:
    """Make a link with which a member chooses a new password, once; hand it over yourself."""
    return await sessions.make_reset_link(database, settings, principal, actor, user_id)


@post(
    "/v1/auth/reset",
    opt=PUBLIC,
    status_code=204,
    tags=["Identity"],
    cache_control=NEVER_KEPT,
)
async def reset_password(
    data: JSONBody[ResetPassword],
    *,
    request: Asking,
    database: Store,
    passwords: Hashing,
    authenticator: Checking,
) -> None:
    """Choose a new password with a link; all your sessions end."""
    origin = origin_of(request)
    await sessions.reset_password(database, passwords, authenticator, data, origin)
