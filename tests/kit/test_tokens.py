"""Which access tokens are good: one shape, one algorithm, one issuer, one audience."""

import time
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tidemill_contracts.identity import Role
from tidemill_kit.auth import TOKEN_TYPE, Authenticator, TokenExpired
from tidemill_kit.errors import NotSignedIn
from tidemill_kit.settings import Settings

SIGNING = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()


class OneKey:
    """The keys of an identity service that has one."""

    async def find(self, kid: str) -> Any:
        if kid != "current":
            raise NotSignedIn
        return SIGNING.public_key()


def claims(**changed: Any) -> dict[str, Any]:
    moment = int(time.time())
    usual = {
        "iss": "tidemill",
        "aud": "tidemill-api",
        "sub": str(uuid4()),
        "tenant": str(uuid4()),
        "role": "operator",
        "sid": str(uuid4()),
        "jti": str(uuid4()),
        "iat": moment,
        "exp": moment + 600,
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def signed(
    said: dict[str, Any],
    *,
    key: Any = SIGNING,
    algorithm: str = "EdDSA",
    kid: str = "current",
    kind: str = TOKEN_TYPE,
) -> str:
    return jwt.encode(said, key, algorithm, headers={"kid": kid, "typ": kind})


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(Settings(), OneKey())


async def test_a_good_token_says_who_calls_for_which_tenant(authenticator: Authenticator) -> None:
    said = claims()

    principal = await authenticator.principal(signed(said))

    assert (str(principal.user_id), str(principal.tenant_id)) == (said["sub"], said["tenant"])
    assert principal.role is Role.OPERATOR


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("no.token.at all", id="no token"),
        pytest.param(signed(claims(), key=OTHER), id="another key"),
        pytest.param(signed(claims(), kid="unknown"), id="unknown key id"),
        pytest.param(signed(claims(), kid="../../current"), id="key id with a path"),
        pytest.param(signed(claims(), kind="JWT"), id="another type"),
        pytest.param(signed(claims(iss="somebody")), id="another issuer"),
        pytest.param(signed(claims(aud="another-api")), id="another audience"),
        pytest.param(signed(claims(aud=None)), id="no audience"),
        pytest.param(signed(claims(exp=None)), id="no end"),
        pytest.param(signed(claims(tenant=None)), id="no tenant"),
        pytest.param(signed(claims(sid=None)), id="no session"),
        pytest.param(signed(claims(role="owner")), id="unknown role"),
        pytest.param(signed(claims(sub="root")), id="a subject that is no id"),
        pytest.param(signed(claims(nbf=int(time.time()) + 3600)), id="not yet"),
        pytest.param(
            signed(claims(), key="", algorithm="none"),
            id="unsigned",
        ),
    ],
)
async def test_anything_else_is_not_signed_in(authenticator: Authenticator, token: str) -> None:
    with pytest.raises(NotSignedIn):
        await authenticator.principal(token)


async def test_a_shared_secret_signs_nothing(authenticator: Authenticator) -> None:
    forged = signed(claims(), key="a secret of thirty-two characters", algorithm="HS256")

    with pytest.raises(NotSignedIn):
        await authenticator.principal(forged)


async def test_an_ended_token_is_told_apart(authenticator: Authenticator) -> None:
    ended = signed(claims(exp=int(time.time()) - 60))

    with pytest.raises(TokenExpired):
        await authenticator.principal(ended)


async def test_a_revoked_session_ends_tokens_that_were_good(authenticator: Authenticator) -> None:
    token = signed(claims())
    principal = await authenticator.principal(token)

    authenticator.revoke(principal.session_id)

    with pytest.raises(NotSignedIn):
        await authenticator.principal(token)


async def test_a_tenant_sends_so_many_requests_a_second_and_no_more() -> None:
    authenticator = Authenticator(Settings(tenant_requests=5), OneKey())
    ann, bob = [await authenticator.principal(signed(claims())) for _ in range(2)]

    admitted = [authenticator.admits(ann) for _ in range(11)]

    # the clock may reach the next second once meanwhile
    assert admitted[:5] == [True] * 5
    assert 5 <= sum(admitted) <= 10
    assert authenticator.admits(bob)


async def test_a_request_that_is_handed_on_counts_once() -> None:
    authenticator = Authenticator(Settings(tenant_requests=1), OneKey())
    ann = await authenticator.principal(signed(claims()))

    for _ in range(20):
        assert authenticator.admits(ann)
        authenticator.hands_on(ann)
