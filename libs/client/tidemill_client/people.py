"""The client's calls about keys, sessions, members, invitations and the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tidemill_client.account import Account
from tidemill_contracts import access
from tidemill_contracts.access import (
    ApiKey,
    AuditEntry,
    Invitation,
    Member,
    OpenSession,
    ResetLink,
)
from tidemill_contracts.identity import Registration, Role, Tenant
from tidemill_contracts.pages import Page


class People(Account):
    """The part of the client that looks after who may come in."""

    async def api_keys(self) -> list[ApiKey]:
        """Your keys; an admin's are those of all members."""
        return (await self.get("/v1/api-keys", Page[ApiKey])).items

    async def create_api_key(
        self,
        name: str,
        *,
        role: Role = Role.OPERATOR,
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> ApiKey:
        """A key for programs; its `key` is in this answer alone."""
        order = access.CreateApiKey(name=name, role=role, expires_at=expires_at)
        return await self.post("/v1/api-keys", ApiKey, order, key=idempotency_key)

    async def revoke_api_key(self, key_id: UUID) -> None:
        await self.gateway.call("DELETE", f"/v1/api-keys/{key_id}")

    async def sessions(self) -> list[OpenSession]:
        """Where you are signed in."""
        return (await self.get("/v1/sessions", Page[OpenSession])).items

    async def end_session(self, session_id: UUID) -> None:
        await self.gateway.call("DELETE", f"/v1/sessions/{session_id}")

    async def end_other_sessions(self) -> None:
        await self.gateway.call("DELETE", "/v1/sessions")

    async def change_password(self, old_password: str, new_password: str) -> None:
        """Choose a new password; your other sessions end."""
        order = access.ChangePassword(old_password=old_password, new_password=new_password)
        await self.gateway.call("POST", "/v1/me/password", order=order)

    async def members(self) -> list[Member]:
        return (await self.get("/v1/members", Page[Member])).items

    async def change_member(self, user_id: UUID, role: Role) -> Member:
        order = access.ChangeMember(role=role)
        return await self.gateway.call("PATCH", f"/v1/members/{user_id}", Member, order=order)

    async def remove_member(self, user_id: UUID) -> None:
        """Remove a member, or leave."""
        await self.gateway.call("DELETE", f"/v1/members/{user_id}")

    async def reset_link(self, user_id: UUID) -> ResetLink:
        """A link with which a member chooses a new password, once."""
        return await self.post(f"/v1/users/{user_id}/reset", ResetLink)

    async def reset_password(self, token: str, password: str) -> None:
        """Choose a new password with the token of a link."""
        order = access.ResetPassword(token=token, password=password)
        await self.gateway.call("POST", "/v1/auth/reset", order=order, signed=False)

    async def invitations(self) -> list[Invitation]:
        return (await self.get("/v1/invitations", Page[Invitation])).items

    async def invite(
        self,
        email: str,
        *,
        role: Role = Role.OPERATOR,
        expires_in_s: int = access.WEEK_S,
        idempotency_key: str | None = None,
    ) -> Invitation:
        """A link for a new member; `token` and `url` are in this answer alone."""
        order = access.Invite(email=email, role=role, expires_in_s=expires_in_s)
        return await self.post("/v1/invitations", Invitation, order, key=idempotency_key)

    async def withdraw_invitation(self, invitation_id: UUID) -> None:
        await self.gateway.call("DELETE", f"/v1/invitations/{invitation_id}")

    async def accept_invitation(self, token: str, password: str) -> Registration:
        """Become a member; sign in next."""
        path = f"/v1/invitations/{quote(token, safe='')}/accept"
        order = access.AcceptInvitation(password=password)
        return await self.post(path, Registration, order, signed=False)

    async def tenant(self) -> Tenant:
        return await self.get("/v1/tenant", Tenant)

    async def rename_tenant(self, name: str) -> Tenant:
        order = access.RenameTenant(name=name)
        return await self.gateway.call("PATCH", "/v1/tenant", Tenant, order=order)

    async def delete_tenant(self, confirm: str) -> None:
        """Delete the tenant for good; `confirm` repeats its name."""
        await self.gateway.call("DELETE", "/v1/tenant", query={"confirm": confirm})

    async def audit(
        self,
        *,
        actor_id: UUID | None = None,
        action: str | None = None,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[AuditEntry]:
        """Who did what, newest first."""
        query: Mapping[str, Any] = {
            "actor_id": actor_id,
            "action": action,
            "target": target,
            "since": since and since.isoformat(),
            "until": until and until.isoformat(),
            "limit": limit,
            "cursor": cursor,
        }
        return await self.get("/v1/audit", Page[AuditEntry], query)
