"""Members of a tenant: who may do what, who leaves, who is invited, and the tenant's end."""

from datetime import timedelta
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.access import AcceptInvitation, Invitation, Invite, Member
from tidemill_contracts.identity import (
    Principal,
    Registration,
    Role,
    Tenant,
    TenantDeleted,
    User,
)
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.problems import FieldError
from tidemill_identity import lifecycle, tokens
from tidemill_identity.access_repository import (
    ApiKeyRepository,
    InvitationRepository,
    MemberRepository,
)
from tidemill_identity.audit import Actor, AuditRepository
from tidemill_identity.keys import NotByKey, RoleTooHigh
from tidemill_identity.lifecycle import Origin
from tidemill_identity.passwords import Passwords
from tidemill_identity.repository import AccountRepository, SessionRepository
from tidemill_identity.sessions import TakesTheAdministrator
from tidemill_identity.settings import Settings
from tidemill_identity.usecases import EmailTaken, RegistrationClosed
from tidemill_kit.auth import Authenticator
from tidemill_kit.db import Database
from tidemill_kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn

INVITE_PREFIX = "tm_invite_"


class MemberNotFound(NotFound):
    """There is no such member."""


class InvitationNotFound(NotFound):
    """There is no such open invitation."""


class InvitationInvalid(Forbidden):
    """This invitation is unknown, was used, withdrawn or has expired."""


class LastAdmin(Conflict):
    """A tenant has at least one admin; make somebody else one first."""


class NotConfirmed(Invalid):
    """This does not confirm it: give the tenant's name as it is."""


class TenantOfTheAdministrator(Conflict):
    """An administrator of the system belongs to this tenant."""


async def change_role(
    database: Database,
    authenticator: Authenticator,
    caller: Principal,
    actor: Actor,
    *,
    user_id: UUID,
    role: Role,
) -> Member:
    """Give a member another role; who may do less than before has to sign in again."""
    void: list[UUID] = []
    async with database.on_behalf_of(caller.tenant_id) as connection:
        members = MemberRepository(connection, caller.tenant_id)
        member = await _locked(members, caller, user_id)
        if member.role is role:
            return member
        if not role.includes(Role.ADMIN):
            await _keep_an_admin(members, member)
        await members.change_role(user_id, role, caller.user_id, now())
        if not role.includes(member.role):
            void = await _void(connection, caller.tenant_id, user_id, above=role)
        trail = AuditRepository(connection, caller.tenant_id)
        before = member.role.value
        await trail.note(actor, "member.role_changed", user_id, role=role, before=before)
    authenticator.revoke(*void)
    return replace(member, role=role)


async def remove_member(
    database: Database,
    authenticator: Authenticator,
    caller: Principal,
    actor: Actor,
    user_id: UUID,
) -> None:
    """Let a member in no more, with all sessions and keys; anybody may leave."""
    if caller.role is not Role.ADMIN and caller.user_id != user_id:
        raise Forbidden(needs=Role.ADMIN.value)
    async with database.on_behalf_of(caller.tenant_id) as connection:
        members = MemberRepository(connection, caller.tenant_id)
        await _keep_an_admin(members, await _locked(members, caller, user_id))
        await members.disable(user_id, now())
        void = await _void(connection, caller.tenant_id, user_id)
        trail = AuditRepository(connection, caller.tenant_id)
        await trail.note(actor, "member.removed", user_id)
    authenticator.revoke(*void)


async def rename_tenant(
    database: Database,
    caller: Principal,
    actor: Actor,
    name: str,
) -> Tenant:
    async with database.on_behalf_of(caller.tenant_id) as connection:
        members = MemberRepository(connection, caller.tenant_id)
        tenant = await tenant_of(members)
        await members.rename_tenant(name)
        trail = AuditRepository(connection, caller.tenant_id)
        await trail.note(actor, "tenant.renamed", tenant.id, name=name, before=tenant.name)
    return replace(tenant, name=name)


async def tenant_of(members: MemberRepository, *, lock: bool = False) -> Tenant:
    tenant = await members.tenant(lock=lock)
    if tenant is None:
        raise NotSignedIn
    return tenant


async def delete_tenant(
    database: Database,
    authenticator: Authenticator,
    caller: Principal,
    actor: Actor,
    confirm: str,
) -> None:
    """End a tenant with all its members, sessions, keys and invitations.

    What other services keep is told to them by `tenant.deleted`.
    """
    if caller.by_key:
        raise NotByKey
    moment, void = now(), list[UUID]()
    async with database.transaction() as connection:
        members = MemberRepository(connection, caller.tenant_id)
        tenant = await tenant_of(members, lock=True)
        if confirm != tenant.name:
            raise NotConfirmed(errors=[FieldError("confirm", NotConfirmed.title())])
        everybody = await members.all_of_them()
        if any(member.system_admin for member in everybody):
            raise TenantOfTheAdministrator
        for member in everybody:
            void += await _void(connection, tenant.id, member.id)
            await members.disable(member.id, moment)
        await members.delete_tenant(moment)
        event = TenantDeleted(tenant_id=tenant.id, seq=1, at=moment, by=caller.user_id)
        await members.record(event)
        trail = AuditRepository(connection, tenant.id)
        await trail.note(actor, "tenant.deleted", tenant.id, name=tenant.name)
    authenticator.revoke(*void)


async def invite(
    connection: AsyncConnection,
    settings: Settings,
    caller: Principal,
    actor: Actor,
    order: Invite,
) -> Invitation:
    """Make a link with which somebody becomes a member; the answer alone has it."""
    if settings.registration == "closed":
        raise RegistrationClosed
    if not caller.role.includes(order.role):
        raise RoleTooHigh(role=caller.role.value)
    moment, secret = now(), tokens.new_secret(INVITE_PREFIX)
    invitation = Invitation(
        id=uuid7(),
        email=order.email,
        role=order.role,
        invited_by=caller.user_id,
        created_at=moment,
        expires_at=moment + timedelta(seconds=order.expires_in_s),
    )
    invitations = InvitationRepository(connection, caller.tenant_id)
    await invitations.add(invitation, tokens.digest(secret))
    trail = AuditRepository(connection, caller.tenant_id)
    target = invitation.id
    await trail.note(actor, "invitation.created", target, email=order.email, role=order.role)
    # behind the hash, so that no server or log on the way sees it
    return replace(invitation, token=secret, url=f"{settings.public_url}/invitation#{secret}")


def without_token(invitation: Invitation) -> Invitation:
    return replace(invitation, token=UNSET, url=UNSET)


async def withdraw_invitation(
    database: Database,
    caller: Principal,
    actor: Actor,
    invitation_id: UUID,
) -> None:
    async with database.on_behalf_of(caller.tenant_id) as connection:
        if not await InvitationRepository(connection, caller.tenant_id).withdraw(invitation_id):
            raise InvitationNotFound
        trail = AuditRepository(connection, caller.tenant_id)
        await trail.note(actor, "invitation.withdrawn", invitation_id)


async def accept_invitation(
    database: Database,
    passwords: Passwords,
    settings: Settings,
    *,
    token: str,
    order: AcceptInvitation,
    origin: Origin,
) -> Registration:
    """Become a member by an invitation, which is used up."""
    if settings.registration == "closed":
        raise RegistrationClosed
    async with passwords.turn():
        password_hash = await passwords.hash(order.password)
    moment = now()
    async with database.transaction() as connection:
        found = await InvitationRepository(connection).accept(tokens.digest(token), moment)
        if found is None:
            raise InvitationInvalid
        tenant_id, invitation = found
        lifecycle.accept(invitation.email, order.password)
        tenant = await MemberRepository(connection, tenant_id).tenant(lock=True)
        if tenant is None:
            raise InvitationInvalid
        user = User(
            id=uuid7(),
            tenant_id=tenant_id,
            email=invitation.email,
            role=invitation.role,
            created_at=moment,
        )
        if not await AccountRepository(connection).add_user(user, password_hash):
            raise EmailTaken
        actor = Actor(tenant_id=tenant_id, user_id=user.id, via="link", address=origin.address)
        trail = AuditRepository(connection, tenant_id)
        await trail.note(actor, "invitation.accepted", invitation.id, role=user.role)
    return Registration(user=user, tenant=tenant)


async def _locked(members: MemberRepository, caller: Principal, user_id: UUID) -> Member:
    """The member; nobody else changes members of this tenant until the transaction ends."""
    await tenant_of(members, lock=True)
    member = await members.get(user_id)
    if member is None:
        raise MemberNotFound
    if member.system_admin and not caller.system_admin:
        raise TakesTheAdministrator
    return member


async def _keep_an_admin(members: MemberRepository, member: Member) -> None:
    everybody = await members.all_of_them()
    if all(each.id == member.id for each in everybody if each.role is Role.ADMIN):
        raise LastAdmin


async def _void(
    connection: AsyncConnection,
    tenant_id: UUID,
    user_id: UUID,
    *,
    above: Role | None = None,
) -> list[UUID]:
    """End a member's sessions, and the keys that may do more than a role."""
    ended = await SessionRepository(connection, tenant_id).end_all(user_id, now())
    keys = ApiKeyRepository(connection, tenant_id)
    for key in await keys.newest(user_id):
        if above is None or not above.includes(key.role):
            await keys.revoke(key.id, now())
            ended.append(key.id)
    return ended
