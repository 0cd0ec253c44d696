"""Who may come in: keys, sessions, members, invitations, and what all of them did."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tidemill_contracts.identity import Email, Password, Role

# what PostgreSQL stores and a screen shows
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
Secret = Annotated[str, Meta(max_length=512)]
MAX_LINK_S = 30 * 24 * 3_600
WEEK_S = 7 * 24 * 3_600


class CreateApiKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key for programs, which can do no more than whoever makes it."""

    name: Title
    role: Role = Role.OPERATOR
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key for programs; `key` itself stands only in the answer that made it."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    name: str
    role: Role
    prefix: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    key: str | UnsetType = UNSET


class ExchangeKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    api_key: Secret


class KeyGrant(Struct, frozen=True, kw_only=True):
    """What identity gives a service for an API key: an access token for a minute.

    At `good_until` the key itself ends, or what was opened with it must be opened again.
    """

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme, no secret
    expires_in: int
    good_until: datetime


class OpenSession(Struct, frozen=True, kw_only=True):
    """A sign-in that has not ended; `current` is the one that asks."""

    id: UUID
    user_agent: str | None
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class ChangePassword(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    old_password: Annotated[str, Meta(max_length=1024)]
    new_password: Password


class Member(Struct, frozen=True, kw_only=True):
    """A user of the tenant; `last_seen_at` is when a session of theirs was last renewed."""

    id: UUID
    email: str
    role: Role
    system_admin: bool = False
    created_at: datetime
    last_seen_at: datetime | None = None


class ChangeMember(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    role: Role


class Invite(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who shall become a member, as what, and for how long the link is good."""

    email: Email
    role: Role = Role.OPERATOR
    expires_in_s: Annotated[int, Meta(ge=60, le=MAX_LINK_S)] = WEEK_S


class Invitation(Struct, frozen=True, kw_only=True):
    """An open invitation; `token` and `url` stand only in the answer that made it."""

    id: UUID
    email: str
    role: Role
    invited_by: UUID
    created_at: datetime
    expires_at: datetime
    token: str | UnsetType = UNSET
    url: str | UnsetType = UNSET


class AcceptInvitation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    password: Password


class ResetLink(Struct, frozen=True, kw_only=True):
    """A link with which a user chooses a new password, once; hand it over by hand."""

    user_id: UUID
    token: str
    url: str
    expires_at: datetime


class ResetPassword(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    token: Secret
    password: Password


class RenameTenant(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Title


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who did what, when, from where, and how it came out.

    `via` says how they were known: `session`, `api_key`, `password` or `link`; what another
    service tells has `event`, and no address.
    """

    id: UUID
    at: datetime
    actor_id: UUID | None = None
    actor: str | None = None
    via: str
    action: str
    target: str | None = None
    address: str | None = None
    outcome: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])
