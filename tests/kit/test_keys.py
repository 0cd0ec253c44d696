"""API keys at a service that does not keep them: asked for once, remembered, dropped."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.kit.test_tokens import OneKey, claims, signed
from tidemill_contracts.access import KeyGrant
from tidemill_contracts.identity import Role
from tidemill_kit.auth import Authenticator
from tidemill_kit.errors import NotSignedIn
from tidemill_kit.exchange import ApiKeyInvalid, IdentityAway, at_identity
from tidemill_kit.settings import Settings

KEY = "tm_live_" + "k" * 43
NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)


class Identity:
    """Knows one key, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.key_id = uuid4()
        self.lasts_s = 60

    async def exchange(self, key: str) -> KeyGrant:
        self.asked += 1
        await asyncio.sleep(0)
        if key != KEY:
            raise ApiKeyInvalid
        said = claims(sid=str(self.key_id), by_key=True)
        said["exp"] = said["iat"] + self.lasts_s
        return KeyGrant(access_token=signed(said), expires_in=self.lasts_s, good_until=NEXT_YEAR)


@pytest.fixture
def identity() -> Identity:
    return Identity()


@pytest.fixture
def authenticator(identity: Identity) -> Authenticator:
    made = Authenticator(Settings(), OneKey())
    made.exchange = identity.exchange
    return made


async def test_a_key_says_who_calls_until_the_key_itself_ends(
    authenticator: Authenticator, identity: Identity
) -> None:
    principal = await authenticator.principal(KEY)

    assert (principal.session_id, principal.by_key) == (identity.key_id, True)
    assert (principal.role, principal.expires_at) == (Role.OPERATOR, NEXT_YEAR)
    assert authenticator.known(KEY) == principal


async def test_many_who_come_at_once_ask_once(
    authenticator: Authenticator, identity: Identity
) -> None:
    await asyncio.gather(*[authenticator.principal(KEY) for _ in range(20)])

    await authenticator.principal(KEY)

    assert identity.asked == 1


async def test_a_key_is_asked_for_again_when_its_token_has_ended(
    authenticator: Authenticator, identity: Identity
) -> None:
    identity.lasts_s = 0
    await authenticator.principal(KEY)

    await authenticator.principal(KEY)

    assert identity.asked == 2


async def test_a_refused_key_is_not_asked_for_again_at_once(
    authenticator: Authenticator, identity: Identity
) -> None:
    for _ in range(3):
        with pytest.raises(ApiKeyInvalid):
            await authenticator.principal("tm_live_guess")

    assert identity.asked == 1


async def test_a_revoked_key_is_dropped(authenticator: Authenticator, identity: Identity) -> None:
    await authenticator.principal(KEY)

    authenticator.revoke(identity.key_id)

    assert authenticator.known(KEY) is None
    with pytest.raises(NotSignedIn):
        await authenticator.principal(KEY)


async def test_without_identity_nobody_knows() -> None:
    ask = at_identity("http://127.0.0.1:9/.well-known/jwks.json")

    with pytest.raises(IdentityAway):
        await ask(KEY)
