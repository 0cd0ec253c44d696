"""API keys: made, shown once, exchanged for tokens, revoked."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.access import ApiKey, CreateApiKey, KeyGrant
from tidemill_contracts.identity import Principal, Role
from tidemill_contracts.ids import now, uuid7
from tidemill_contracts.problems import FieldError
from tidemill_identity import tokens
from tidemill_identity.access_repository import ApiKeyRepository
from tidemill_identity.audit import Actor, AuditRepository
from tidemill_identity.tokens import Signer
from tidemill_kit.auth import Authenticator
from tidemill_kit.db import Database
from tidemill_kit.errors import Forbidden, Invalid, NotFound
from tidemill_kit.exchange import KEY_PREFIX, ApiKeyInvalid

SHOWN_CHARS = len(KEY_PREFIX) + 6
# a socket that was opened with a key without an end is opened again after so long
LONGEST = timedelta(days=365)


class RoleTooHigh(Forbidden):
    """Nobody gives others more rights than their own."""


class NotByKey(Forbidden):
    """This takes a sign-in with a password; an API key may not do it."""


class ApiKeyNotFound(NotFound):
    """There is no such API key."""


class TimePassed(Invalid):
    """This moment has passed."""


def may_create(caller: Principal, order: CreateApiKey, moment: datetime) -> None:
    """Raise where the caller may not make such a key."""
    if caller.by_key:
        raise NotByKey
    if not caller.role.includes(order.role):
        raise RoleTooHigh(role=caller.role.value)
    if order.expires_at is not None and order.expires_at <= moment:
        raise TimePassed(errors=[FieldError("expires_at", TimePassed.title())])


async def create_key(
    connection: AsyncConnection,
    caller: Principal,
    actor: Actor,
    order: CreateApiKey,
) -> ApiKey:
    """Make a key; the answer is the only place where it stands."""
    moment, secret = now(), tokens.new_secret(KEY_PREFIX)
    may_create(caller, order, moment)
    key = ApiKey(
        id=uuid7(),
        tenant_id=caller.tenant_id,
        user_id=caller.user_id,
        name=order.name,
        role=order.role,
        prefix=secret[:SHOWN_CHARS],
        created_at=moment,
        expires_at=order.expires_at,
    )
    await ApiKeyRepository(connection, caller.tenant_id).add(key, tokens.digest(secret))
    trail = AuditRepository(connection, caller.tenant_id)
    await trail.note(actor, "api_key.created", key.id, name=key.name, role=key.role)
    return replace(key, key=secret)


def without_secret(key: ApiKey) -> ApiKey:
    return replace(key, key=UNSET)


async def keys_of(keys: ApiKeyRepository, caller: Principal) -> list[ApiKey]:
    """Your keys, newest first; an admin sees those of all members."""
    return await keys.newest(None if caller.role is Role.ADMIN else caller.user_id)


async def revoke_key(
    database: Database,
    authenticator: Authenticator,
    caller: Principal,
    actor: Actor,
    key_id: UUID,
) -> None:
    """Make one of the keys that the caller sees void, everywhere within seconds."""
    async with database.on_behalf_of(caller.tenant_id) as connection:
        keys = ApiKeyRepository(connection, caller.tenant_id)
        if all(key.id != key_id for key in await keys_of(keys, caller)):
            raise ApiKeyNotFound
        if not await keys.revoke(key_id, now()):
            raise ApiKeyNotFound
        trail = AuditRepository(connection, caller.tenant_id)
        await trail.note(actor, "api_key.revoked", key_id)
    authenticator.revoke(key_id)


async def exchange_key(database: Database, signer: Signer, secret: str) -> KeyGrant:
    """A token for a minute, with which any service knows whom the key speaks for."""
    moment = now()
    async with database.transaction() as connection:
        owner = await ApiKeyRepository(connection).good(tokens.digest(secret), moment)
    if owner is None:
        raise ApiKeyInvalid
    # a member who may do less than before has no keys that may do more
    role = owner.role if owner.owner_role.includes(owner.role) else owner.owner_role
    good_until = owner.expires_at or moment + LONGEST
    left_s = max(1, int((good_until - moment).total_seconds()))
    access_token, expires_in = signer.key_token(owner, role, left_s)
    return KeyGrant(access_token=access_token, expires_in=expires_in, good_until=good_until)
