"""HTTP: members, invitations and the tenant."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.access import (
    AcceptInvitation,
    ChangeMember,
    Invitation,
    Invite,
    Member,
    RenameTenant,
)
from tidemill_contracts.identity import Registration, Tenant
from tidemill_contracts.ids import now
from tidemill_contracts.pages import Page
from tidemill_identity import members
from tidemill_identity.access_repository import InvitationRepository, MemberRepository
from tidemill_identity.key_routes import Acting, Key
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
from tidemill_kit.idempotency import Once

Members = NamedDependency[MemberRepository]
Confirmation = Annotated[str, QueryParameter(description="The tenant's name.", max_length=300)]


class MemberController(Controller):
    """Who belongs to the tenant, and what each may do."""

    path = "/v1/members"
    tags = ("Members",)

    @get(opt=READ)
    async def listed(self, members_: Members) -> Page[Member]:
        """The members, the oldest first."""
        return Page(await members_.all_of_them())

    @get("/{user_id:uuid}", opt=READ)
    async def show(self, user_id: FromPath[UUID], members_: Members) -> Member:
        """A member."""
        member = await members_.get(user_id)
        if member is None:
            raise members.MemberNotFound
        return member

    @patch("/{user_id:uuid}", opt=ADMIN)
    async def change(
        self,
        user_id: FromPath[UUID],
        data: JSONBody[ChangeMember],
        *,
        principal: Caller,
        actor: Acting,
        database: Store,
        authenticator: Checking,
    ) -> Member:
        """Give a member another role; with less than before their sessions end."""
        return await members.change_role(
            database, authenticator, principal, actor, user_id=user_id, role=data.role
        )

    @delete("/{user_id:uuid}", opt=READ)
    async def remove(
        self,
        user_id: FromPath[UUID],
        principal: Caller,
        actor: Acting,
        database: Store,
        authenticator: Checking,
    ) -> None:
        """Remove a member, which takes an admin, or leave yourself; sessions and keys end."""
        await members.remove_member(database, authenticator, principal, actor, user_id)


class InvitationController(Controller):
    """Links with which others become members."""

    path = "/v1/invitations"
    tags = ("Members",)
    cache_control = NEVER_KEPT

    @get(opt=ADMIN)
    async def listed(
        self,
        invitations: NamedDependency[InvitationRepository],
    ) -> Page[Invitation]:
        """Invitations that can still be accepted, newest first."""
        return Page(await invitations.open_ones(now()))

    @post(opt=ADMIN)
    async def invite(
        self,
        data: JSONBody[Invite],
        *,
        principal: Caller,
        actor: Acting,
        settings: Configured,
        connection: NamedDependency[AsyncConnection],
        once: NamedDependency[Once],
        idempotency_key: Key = None,
    ) -> Response[Invitation]:
        """Make a link for somebody; `token` and `url` are shown in this answer alone."""
        del idempotency_key  # `once` has read it; here it is for the documents
        return await once.answer(
            data,
            lambda: members.invite(connection, settings, principal, actor, data),
            keep=members.without_token,
        )

    @delete("/{invitation_id:uuid}", opt=ADMIN)
    async def withdraw(
        self,
        invitation_id: FromPath[UUID],
        principal: Caller,
        actor: Acting,
        database: Store,
    ) -> None:
        """Make an open invitation void."""
        await members.withdraw_invitation(database, principal, actor, invitation_id)

    @post("/{token:str}/accept", opt=PUBLIC)
    async def accept(
        self,
        token: FromPath[str],
        data: JSONBody[AcceptInvitation],
        *,
        request: Asking,
        database: Store,
        passwords: Hashing,
        settings: Configured,
    ) -> Registration:
        """Become a member with a password of your choice; then sign in."""
        return await members.accept_invitation(
            database, passwords, settings, token=token, order=data, origin=origin_of(request)
        )


class TenantController(Controller):
    """The tenant itself."""

    path = "/v1/tenant"
    tags = ("Members",)

    @get(opt=READ)
    async def show(self, members_: Members) -> Tenant:
        """Your tenant."""
        return await members.tenant_of(members_)

    @patch(opt=ADMIN)
    async def rename(
        self,
        data: JSONBody[RenameTenant],
        principal: Caller,
        actor: Acting,
        database: Store,
    ) -> Tenant:
        """Give your tenant another name."""
        return await members.rename_tenant(database, principal, actor, data.name)

    @delete(opt=ADMIN)
    async def remove(
        self,
        confirm: Confirmation,
        principal: Caller,
        actor: Acting,
        database: Store,
        authenticator: Checking,
    ) -> None:
        """Delete your tenant for good, with all its members; `confirm` repeats its name."""
        await members.delete_tenant(database, authenticator, principal, actor, confirm)
