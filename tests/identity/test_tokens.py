"""Access tokens: what identity signs every service accepts, and nothing else."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tidemill_contracts.ids import now
from tidemill_identity import lifecycle
from tidemill_identity.settings import Settings
from tidemill_identity.tokens import Signer
from tidemill_kit.auth import Authenticator, TokenExpired
from tidemill_kit.errors import NotSignedIn
from tidemill_kit.settings import SettingMissing

KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()
USER = lifecycle.register("ann@example.org", now()).user
SESSION = lifecycle.open_session(USER, lifecycle.Origin("127.0.0.1"), now(), 3_600)


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


SETTINGS = Settings(jwt_private_key=pem(KEY))
SIGNER = Signer(SETTINGS)
KID = SIGNER.public.keys[0].kid


def forged(
    *,
    key: Any = KEY,
    algorithm: str = "EdDSA",
    header: dict[str, Any] | None = None,
    without: str = "",
    **claims: Any,
) -> str:
    good = jwt.decode(SIGNER.access_token(USER, SESSION), options={"verify_signature": False})
    body = {name: value for name, value in (good | claims).items() if name != without}
    headers = {"typ": "at+jwt", "kid": KID, **(header or {})}
    return jwt.encode(body, key, algorithm=algorithm, headers=headers)


def in_seconds(seconds: float) -> int:
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())


async def test_a_token_speaks_for_its_user() -> None:
    token = SIGNER.access_token(USER, SESSION)

    principal = await Authenticator(SETTINGS, SIGNER).principal(token)

    assert principal.user_id == USER.id
    assert principal.tenant_id == USER.tenant_id
    assert principal.session_id == SESSION.id
    assert not principal.system_admin


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x.y.z",
        forged(algorithm="none", key=None),
        forged(algorithm="HS256", key=KEY.public_key().public_bytes_raw().hex()),
        forged(key=OTHER_KEY),
        forged(header={"kid": "../../etc/passwd"}),
        forged(header={"typ": "JWT"}),
        forged(iss="somebody"),
        forged(aud="something"),
        forged(nbf=in_seconds(3_600)),
        forged(role="king"),
        forged(sub="nobody"),
        *(forged(without=claim) for claim in ("exp", "aud", "iss", "sid", "jti", "tenant", "role")),
        "tm_refresh_abcdefghijklmnopqrstuvwxyz",
    ],
    ids=map(str, count()),
)
async def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(NotSignedIn):
        await Authenticator(SETTINGS, SIGNER).principal(token)


async def test_an_old_token_says_that_it_is_old() -> None:
    token = forged(exp=in_seconds(-60))

    with pytest.raises(TokenExpired):
        await Authenticator(SETTINGS, SIGNER).principal(token)


async def test_a_token_lives_no_longer_than_its_session() -> None:
    brief = lifecycle.open_session(USER, lifecycle.Origin("127.0.0.1"), now(), 30)

    lifetime = SIGNER.lifetime_s(brief)

    assert lifetime <= 30


async def test_a_new_key_signs_while_the_old_one_still_counts() -> None:
    rotated = Signer(Settings(jwt_private_key=pem(OTHER_KEY) + pem(KEY)))
    old, new = SIGNER.access_token(USER, SESSION), rotated.access_token(USER, SESSION)
    authenticator = Authenticator(SETTINGS, rotated)

    users = {(await authenticator.principal(token)).user_id for token in (old, new)}

    assert users == {USER.id}
    assert len(rotated.public.keys) == 2


async def test_the_published_key_checks_a_token_and_holds_no_private_part() -> None:
    published: Any = msgspec.to_builtins(SIGNER.public.keys[0])

    key = jwt.PyJWK(published, "EdDSA").key
    claims = jwt.decode(
        SIGNER.access_token(USER, SESSION),
        key,
        algorithms=["EdDSA"],
        audience=SETTINGS.jwt_audience,
    )

    assert UUID(claims["sub"]) == USER.id
    assert "d" not in published
    assert key.public_bytes(Encoding.Raw, PublicFormat.Raw) == KEY.public_key().public_bytes_raw()


def test_identity_does_not_start_without_a_key() -> None:
    with pytest.raises(SettingMissing):
        Signer(Settings(jwt_private_key="not a key"))
