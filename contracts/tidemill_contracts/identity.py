"""Users, tenants and what a token says."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tidemill_contracts.event import Event

Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Password = Annotated[str, Meta(min_length=8, max_length=128)]


class Role(StrEnum):
    """What a member may do; each role includes the one before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


class Principal(Struct, frozen=True):
    """Who calls: the tenant comes from the token and from nowhere else.

    With `by_key` an API key speaks for the user; its id stands where a session's would.
    """

    user_id: UUID
    tenant_id: UUID
    role: Role
    session_id: UUID
    expires_at: datetime
    system_admin: bool = False
    by_key: bool = False


class User(Struct, frozen=True, kw_only=True):
    id: UUID
    tenant_id: UUID
    email: str
    role: Role
    system_admin: bool = False
    created_at: datetime


class Tenant(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    created_at: datetime


class Registration(Struct, frozen=True, kw_only=True):
    """A new user with the tenant made for it."""

    user: User
    tenant: Tenant


class RegisterUser(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    password: Password


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1024)]


class RefreshSession(Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=512)]


class SignOut(Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=512)]


class TokenPair(Struct, frozen=True, kw_only=True):
    """An access token for minutes and the refresh token that renews it."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme, no secret
    expires_in: int
    refresh_token: str


class UserEvent(Event, frozen=True, kw_only=True):
    user_id: UUID

    @property
    def key(self) -> UUID:
        return self.user_id


class UserRegistered(UserEvent, frozen=True, kw_only=True, tag="user.registered"):
    """A user came to be: with a tenant of its own, or by the invitation of another's."""

    email: str
    role: Role


class UserRoleChanged(UserEvent, frozen=True, kw_only=True, tag="user.role_changed"):
    """A member may do more or less than before."""

    role: Role
    by: UUID | None = None


class UserDisabled(UserEvent, frozen=True, kw_only=True, tag="user.disabled"):
    """A user may not sign in any more."""


class TenantDeleted(Event, frozen=True, kw_only=True, tag="tenant.deleted"):
    """A tenant is gone with all its members; what others keep of it is void."""

    by: UUID | None = None

    @property
    def key(self) -> UUID:
        return self.tenant_id


class SessionRevoked(Event, frozen=True, kw_only=True, tag="session.revoked"):
    """A session ended before its time; its tokens are void."""

    session_id: UUID
    user_id: UUID

    @property
    def key(self) -> UUID:
        return self.session_id


class ApiKeyEvent(Event, frozen=True, kw_only=True):
    api_key_id: UUID

    @property
    def key(self) -> UUID:
        return self.api_key_id


class ApiKeyCreated(ApiKeyEvent, frozen=True, kw_only=True, tag="api_key.created"):
    """A key for programs was made."""

    name: str
    role: Role


class ApiKeyRevoked(ApiKeyEvent, frozen=True, kw_only=True, tag="api_key.revoked"):
    """A key for programs is void."""
