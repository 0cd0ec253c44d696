"""Accounts and sessions: pure decisions."""

import hashlib
import unicodedata
from datetime import datetime, timedelta
from importlib import resources
from uuid import UUID

from msgspec import Struct

from tidemill_contracts.identity import Registration, Role, Tenant, User
from tidemill_contracts.ids import uuid7
from tidemill_contracts.problems import FieldError
from tidemill_kit.errors import Invalid

COMMON = frozenset(resources.read_text("tidemill_identity", "common_passwords.txt").split())
# what anybody would try first here
TELLING = frozenset({"tidemill", "tidemilladmin", "admintidemill", "tidemillpassword"})


class EmailInvalid(Invalid):
    """This is no e-mail address."""


class PasswordTooCommon(Invalid):
    """This password is among the first that anybody would try."""


class Account(Struct, frozen=True, kw_only=True):
    """A user with what is never shown."""

    id: UUID
    tenant_id: UUID
    email: str
    role: Role
    system_admin: bool
    created_at: datetime
    password_hash: str
    disabled_at: datetime | None

    @property
    def user(self) -> User:
        return User(**{name: getattr(self, name) for name in User.__struct_fields__})


class Session(Struct, frozen=True, kw_only=True):
    """A signed-in family of refresh tokens."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    address: str
    user_agent: str | None = None
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_open(self, moment: datetime) -> bool:
        return self.revoked_at is None and moment < self.expires_at


def email_key(email: str) -> str:
    """What two spellings of one address share."""
    return unicodedata.normalize("NFC", email).lower().replace("\0", "\ufffd")


def accept(email: str, password: str) -> None:
    """Raise where these may not become an account."""
    if any(unicodedata.category(character).startswith("C") for character in email):
        raise EmailInvalid(errors=[FieldError("email", "it holds control characters")])
    lowered = password.lower()
    letters = "".join(character for character in lowered if character.isalpha())
    guessed = lowered in COMMON or letters in TELLING or len(set(lowered)) == 1
    if guessed or lowered == email_key(email):
        raise PasswordTooCommon(errors=[FieldError("password", PasswordTooCommon.title())])


def register(email: str, moment: datetime, *, system_admin: bool = False) -> Registration:
    """A new tenant with its first user."""
    tenant = Tenant(id=uuid7(), name=email, created_at=moment)
    user = User(
        id=uuid7(),
        tenant_id=tenant.id,
        email=email,
        role=Role.ADMIN,
        system_admin=system_admin,
        created_at=moment,
    )
    return Registration(user=user, tenant=tenant)


class Origin(Struct, frozen=True):
    """Where a request comes from."""

    address: str
    user_agent: str | None = None


def open_session(user: User, origin: Origin, moment: datetime, lasts_s: int) -> Session:
    return Session(
        id=uuid7(),
        tenant_id=user.tenant_id,
        user_id=user.id,
        address=origin.address,
        user_agent=origin.user_agent,
        created_at=moment,
        used_at=moment,
        expires_at=moment + timedelta(seconds=lasts_s),
    )


def account_counter(email: str) -> str:
    """Under which failures are counted; hashed, since people type passwords into the wrong box."""
    return f"account:{hashlib.sha256(email_key(email).encode()).hexdigest()}"


def address_counter(address: str) -> str:
    return f"address:{address}"
