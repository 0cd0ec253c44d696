"""Queries of what lets people and programs in: keys, invitations, links; and of members."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import delete, func, insert, select, text, update

from tidemill_contracts.access import ApiKey, Invitation, Member
from tidemill_contracts.identity import (
    ApiKeyCreated,
    ApiKeyRevoked,
    Role,
    Tenant,
    UserDisabled,
    UserRoleChanged,
)
from tidemill_identity.repository import Repository
from tidemill_identity.tables import (
    api_keys,
    invitations,
    reset_links,
    tenants,
    users,
)

_KEY = [api_keys.c[name] for name in ApiKey.__struct_fields__ if name != "key"]
_INVITATION = [
    invitations.c[name] for name in Invitation.__struct_fields__ if name not in ("token", "url")
]
_TENANT = [tenants.c[name] for name in Tenant.__struct_fields__]
SEEN_EVERY = timedelta(seconds=60)


class KeyOwner(Struct, frozen=True, kw_only=True):
    """A good key with what its owner may do."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    role: Role
    owner_role: Role
    expires_at: datetime | None


class ApiKeyRepository(Repository):
    """Keys for programs."""

    async def add(self, key: ApiKey, digest: bytes) -> None:
        row = {column.name: getattr(key, column.name) for column in _KEY}
        await self.run(insert(api_keys).values(row | {"digest": digest}))
        event = ApiKeyCreated(
            tenant_id=key.tenant_id,
            api_key_id=key.id,
            seq=1,
            at=key.created_at,
            name=key.name,
            role=key.role,
        )
        await self.record(event)

    async def good(self, digest: bytes, moment: datetime) -> KeyOwner | None:
        """The key of this digest while it is good; notes that it was used."""
        query = (
            select(
                api_keys.c.id,
                api_keys.c.tenant_id,
                api_keys.c.user_id,
                api_keys.c.role,
                users.c.role.label("owner_role"),
                api_keys.c.expires_at,
            )
            .join(users, users.c.id == api_keys.c.user_id)
            .where(api_keys.c.digest == digest, api_keys.c.revoked_at.is_(None))
            .where(users.c.disabled_at.is_(None))
            .where(api_keys.c.expires_at.is_(None) | (api_keys.c.expires_at > moment))
        )
        found = await self.first(query, KeyOwner)
        if found is not None:
            values = {"id": found.id, "now": moment, "lately": moment - SEEN_EVERY}
            await self.connection.execute(_KEY_SEEN, values)
        return found

    async def newest(self, user_id: UUID | None) -> list[ApiKey]:
        """The tenant's keys that were not revoked, or a user's."""
        query = select(*_KEY).where(
            api_keys.c.tenant_id == self.tenant_id,
            api_keys.c.revoked_at.is_(None),
        )
        if user_id is not None:
            query = query.where(api_keys.c.user_id == user_id)
        return await self.all(query.order_by(api_keys.c.id.desc()), ApiKey)

    async def revoke(self, key_id: UUID, moment: datetime) -> bool:
        """Make the key void; False where it is none of the tenant's, or was revoked."""
        end = update(api_keys).values(revoked_at=moment).where(api_keys.c.id == key_id)
        mine = (api_keys.c.tenant_id == self.tenant_id) & api_keys.c.revoked_at.is_(None)
        if await self.run(end.where(mine)) == 0:
            return False
        event = ApiKeyRevoked(tenant_id=self.tenant_id, api_key_id=key_id, seq=2, at=moment)
        await self.record(event)
        return True


class InvitationRepository(Repository):
    """Invitations that nobody has accepted yet."""

    async def add(self, invitation: Invitation, digest: bytes) -> None:
        row = {column.name: getattr(invitation, column.name) for column in _INVITATION}
        values = row | {"tenant_id": self.tenant_id, "digest": digest}
        await self.run(insert(invitations).values(values))

    async def open_ones(self, moment: datetime) -> list[Invitation]:
        query = select(*_INVITATION).where(
            invitations.c.tenant_id == self.tenant_id,
            invitations.c.accepted_at.is_(None),
            invitations.c.expires_at > moment,
        )
        return await self.all(query.order_by(invitations.c.id.desc()), Invitation)

    async def withdraw(self, invitation_id: UUID) -> bool:
        mine = (invitations.c.id == invitation_id) & (invitations.c.tenant_id == self.tenant_id)
        open_one = invitations.c.accepted_at.is_(None)
        return await self.run(delete(invitations).where(mine, open_one)) == 1

    async def accept(self, digest: bytes, moment: datetime) -> tuple[UUID, Invitation] | None:
        """Use the invitation up: its tenant and what it says; None where it is not good."""
        use = update(invitations).values(accepted_at=moment).where(invitations.c.digest == digest)
        good = invitations.c.accepted_at.is_(None) & (invitations.c.expires_at > moment)
        answer = use.where(good).returning(invitations.c.tenant_id, *_INVITATION)
        row = (await self.connection.execute(answer)).mappings().first()
        if row is None:
            return None
        said = {str(column.name): row[column.name] for column in _INVITATION}
        return row["tenant_id"], msgspec.convert(said, Invitation)


class MemberRepository(Repository):
    """The users of a tenant, and the tenant itself."""

    async def all_of_them(self) -> list[Member]:
        rows = await self.connection.execute(_MEMBERS, {"tenant": self.tenant_id})
        return [msgspec.convert(dict(row), Member) for row in rows.mappings()]

    async def get(self, user_id: UUID) -> Member | None:
        return next((each for each in await self.all_of_them() if each.id == user_id), None)

    async def tenant(self, *, lock: bool = False) -> Tenant | None:
        """The tenant; locked, who changes members of it waits."""
        query = select(*_TENANT).where(tenants.c.id == self.tenant_id)
        query = query.where(tenants.c.deleted_at.is_(None))
        return await self.first(query.with_for_update(key_share=True) if lock else query, Tenant)

    async def rename_tenant(self, name: str) -> None:
        await self.run(update(tenants).values(name=name).where(tenants.c.id == self.tenant_id))

    async def delete_tenant(self, moment: datetime) -> None:
        gone = update(tenants).values(deleted_at=moment).where(tenants.c.id == self.tenant_id)
        await self.run(gone)
        mine = invitations.c.tenant_id == self.tenant_id
        await self.run(delete(invitations).where(mine))

    async def change_role(self, user_id: UUID, role: Role, by: UUID, moment: datetime) -> None:
        seq = await self._changed(user_id, {"role": role.value})
        event = UserRoleChanged(
            tenant_id=self.tenant_id,
            user_id=user_id,
            seq=seq,
            at=moment,
            role=role,
            by=by,
        )
        await self.record(event)

    async def disable(self, user_id: UUID, moment: datetime) -> None:
        """Let a user in no more; the address is free for another account."""
        values = {"disabled_at": moment, "email_key": f"removed:{user_id}"}
        seq = await self._changed(user_id, values)
        event = UserDisabled(tenant_id=self.tenant_id, user_id=user_id, seq=seq, at=moment)
        await self.record(event)

    async def _changed(self, user_id: UUID, values: dict[str, Any]) -> int:
        mine = (users.c.id == user_id) & (users.c.tenant_id == self.tenant_id)
        change = update(users).values(**values, seq=users.c.seq + 1).where(mine)
        return int(await self.connection.scalar(change.returning(users.c.seq)) or 1)


class ResetRepository(Repository):
    """One-time links to a new password."""

    async def add(self, user_id: UUID, digest: bytes, expires_at: datetime) -> None:
        row = {"user_id": user_id, "tenant_id": self.tenant_id}
        values = row | {"digest": digest, "expires_at": expires_at}
        await self.run(insert(reset_links).values(values))

    async def use(self, digest: bytes) -> UUID | None:
        """Use the link up with all others of its user: whose it is, None where it is not good."""
        good = reset_links.c.used_at.is_(None) & (reset_links.c.expires_at > func.now())
        use = update(reset_links).values(used_at=func.now()).where(reset_links.c.digest == digest)
        user_id = await self.connection.scalar(use.where(good).returning(reset_links.c.user_id))
        if user_id is not None:
            others = update(reset_links).values(used_at=func.now())
            mine = (reset_links.c.user_id == user_id) & reset_links.c.used_at.is_(None)
            await self.run(others.where(mine))
        return user_id


_KEY_SEEN = text("""
update api_keys set last_used_at = :now where id = :id and
(last_used_at is null or last_used_at < :lately)
""")
_MEMBERS = text("""
select users.id, email, role, system_admin, users.created_at, seen.last_seen_at from users
left join (
    select user_id, max(used_at) as last_seen_at from sessions
    where tenant_id = :tenant group by user_id
) seen on seen.user_id = users.id
where users.tenant_id = :tenant and disabled_at is null order by users.id
""")
