"""HTTP: API keys, and what services get for them."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody
from litestar.response import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from tidemill_contracts.access import ApiKey, CreateApiKey, ExchangeKey, KeyGrant
from tidemill_contracts.pages import Page
from tidemill_identity import keys
from tidemill_identity.access_repository import ApiKeyRepository
from tidemill_identity.audit import Actor
from tidemill_identity.routes import NEVER_KEPT, Checking, Signing, Store
from tidemill_kit.app import PUBLIC, READ, Caller
from tidemill_kit.idempotency import Once

Key = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Acting = NamedDependency[Actor]


class ApiKeyController(Controller):
    """Keys for programs."""

    path = "/v1/api-keys"
    tags = ("Identity",)
    cache_control = NEVER_KEPT

    @get(opt=READ)
    async def listed(
        self,
        principal: Caller,
        api_keys: NamedDependency[ApiKeyRepository],
    ) -> Page[ApiKey]:
        """Your keys, newest first; an admin sees those of all members."""
        return Page(await keys.keys_of(api_keys, principal))

    @post(opt=READ)
    async def create(
        self,
        data: JSONBody[CreateApiKey],
        principal: Caller,
        actor: Acting,
        connection: NamedDependency[AsyncConnection],
        once: NamedDependency[Once],
        idempotency_key: Key = None,
    ) -> Response[ApiKey]:
        """Make a key that may do no more than you; `key` is shown in this answer alone."""
        del idempotency_key  # `once` has read it; here it is for the documents
        return await once.answer(
            # another member's request with the same key is another one
            (principal.user_id, data),
            lambda: keys.create_key(connection, principal, actor, data),
            keep=keys.without_secret,
        )

    @delete("/{key_id:uuid}", opt=READ)
    async def revoke(
        self,
        key_id: FromPath[UUID],
        principal: Caller,
        actor: Acting,
        database: Store,
        authenticator: Checking,
    ) -> None:
        """Make a key void, everywhere within seconds; what it has open is closed."""
        await keys.revoke_key(database, authenticator, principal, actor, key_id)


@post(
    "/v1/auth/exchange",
    opt=PUBLIC,
    status_code=200,
    tags=["Identity"],
    cache_control=NEVER_KEPT,
)
async def exchange(
    data: JSONBody[ExchangeKey],
    database: Store,
    signer: Signing,
) -> KeyGrant:
    """Exchange an API key for an access token of a minute.

    Services do this by themselves: send your key to any of them as it is.
    """
    return await keys.exchange_key(database, signer, data.api_key)
