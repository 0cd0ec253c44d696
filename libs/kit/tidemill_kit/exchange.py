"""API keys at services that do not keep them: identity gives a signed token for a minute."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
import msgspec

from tidemill_contracts.access import ExchangeKey, KeyGrant
from tidemill_kit.errors import NotSignedIn, Unavailable

KEY_PREFIX = "tm_live_"
PATH = "/v1/auth/exchange"
JSON = {"Content-Type": "application/json"}
_ASK_S = 3
_NO_KEY = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)

type Exchange = Callable[[str], Awaitable[KeyGrant]]


class IdentityAway(Unavailable):
    """Identity does not answer."""


class ApiKeyInvalid(NotSignedIn):
    """This API key is unknown, was revoked or has ended."""


def at_identity(jwks_url: str) -> Exchange:
    """Asks the identity service whose public keys are at this address."""
    url = urljoin(jwks_url, PATH)

    async def exchange(key: str) -> KeyGrant:
        limit = aiohttp.ClientTimeout(total=_ASK_S)
        order = msgspec.json.encode(ExchangeKey(api_key=key))
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(url, data=order, headers=JSON) as answer,
            ):
                if answer.status in _NO_KEY:
                    raise ApiKeyInvalid
                answer.raise_for_status()
                return msgspec.json.decode(await answer.read(), type=KeyGrant)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise IdentityAway from error

    return exchange
