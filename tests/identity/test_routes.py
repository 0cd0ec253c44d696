"""Identity over HTTP, on a real database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from tidemill_kit.db import Database

PASSWORD = "a good pass phrase"
type StartIdentity = Callable[..., Awaitable[Any]]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def events_about(identity: Any, key: str) -> list[str]:
    database: Database = identity.app.state.database
    query = text("select type from events where key = cast(:key as uuid) order by seq")
    async with database.transaction() as connection:
        return list(await connection.scalars(query, {"key": key}))


async def test_registering_makes_a_tenant_with_its_admin(identity: Any, email: str) -> None:
    answer = await identity.http.post(
        "/v1/auth/register",
        json={"email": email, "password": PASSWORD},
    )

    made = answer.json()
    assert answer.status_code == 201
    assert made["user"]["role"] == "admin"
    assert made["user"]["tenant_id"] == made["tenant"]["id"]
    assert not made["user"]["system_admin"]
    assert await events_about(identity, made["user"]["id"]) == ["user.registered"]


async def test_an_address_is_taken_in_any_case(
    identity: Any,
    email: str,
    signed_in: dict[str, str],
) -> None:
    assert signed_in

    answer = await identity.http.post(
        "/v1/auth/register",
        json={"email": email.upper(), "password": PASSWORD},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


async def test_two_who_register_one_address_at_once_make_one_account(
    identity: Any,
    credentials: dict[str, str],
) -> None:
    tries = [identity.http.post("/v1/auth/register", json=credentials) for _ in range(4)]

    answers = await asyncio.gather(*tries)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"registration": "closed"}, "registration_closed"),
        ({"registration": "invite"}, "invitation_needed"),
    ],
)
async def test_registration_can_be_shut(
    start: StartIdentity,
    credentials: dict[str, str],
    settings: dict[str, str],
    code: str,
) -> None:
    identity = await start(**settings)

    answer = await identity.http.post("/v1/auth/register", json=credentials)

    assert (answer.status_code, answer.json()["code"]) == (403, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b"[]", 400, "bad_request"),
        (b'{"email": "a@b.c"}', 400, "bad_request"),
        (b'{"email": "a@b.c", "password": 12345678}', 400, "bad_request"),
        (b'{"email": "a@b.c", "password": "short"}', 400, "bad_request"),
        (b'{"email": "nowhere", "password": "a good pass phrase"}', 400, "bad_request"),
        (
            b'{"email": "a@b.c", "password": "a good pass phrase", "role": "admin"}',
            400,
            "bad_request",
        ),
        (b'{"email": "a\\u0000@b.c", "password": "a good pass phrase"}', 422, "email_invalid"),
        (b'{"email": "a@b.c", "password": "password1"}', 422, "password_too_common"),
        (b'{"email": "a@b.c", "password": "' + b"x" * 129 + b'"}', 400, "bad_request"),
        (b'{"email": "' + b"x" * 2_000_000 + b'"}', 413, "too_large"),
    ],
)
async def test_a_bad_registration_has_a_stable_code(
    identity: Any,
    body: bytes,
    status: int,
    code: str,
) -> None:
    answer = await identity.http.post(
        "/v1/auth/register",
        content=body,
        headers={"Content-Type": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_signing_in_gives_a_token_that_says_who_i_am(
    identity: Any,
    email: str,
    signed_in: dict[str, str],
) -> None:
    answer = await identity.http.get("/v1/me", headers=bearer(signed_in["access_token"]))

    assert answer.status_code == 200
    assert answer.json()["email"] == email
    assert signed_in["token_type"] == "Bearer"
    assert signed_in["expires_in"] == 600


async def test_the_answer_with_tokens_is_never_cached(
    identity: Any,
    credentials: dict[str, str],
    signed_in: dict[str, str],
) -> None:
    assert signed_in

    answer = await identity.http.post("/v1/auth/token", json=credentials)

    assert answer.headers["cache-control"] == "no-store"


async def test_an_unknown_user_looks_like_a_wrong_password(
    identity: Any,
    email: str,
    signed_in: dict[str, str],
) -> None:
    assert signed_in

    wrong = await identity.http.post("/v1/auth/token", json={"email": email, "password": "wrong"})
    unknown = await identity.http.post(
        "/v1/auth/token",
        json={"email": f"not-{email}", "password": "wrong"},
    )

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json()["code"] == unknown.json()["code"] == "wrong_credentials"


async def test_a_null_character_in_the_address_is_only_unknown(identity: Any) -> None:
    answer = await identity.http.post(
        "/v1/auth/token",
        json={"email": "a\0@b.c", "password": "wrong"},
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")


async def test_a_disabled_user_cannot_sign_in_or_renew(
    identity: Any,
    credentials: dict[str, str],
    email: str,
    signed_in: dict[str, str],
) -> None:
    async with identity.app.state.database.transaction() as connection:
        disable = text("update users set disabled_at = now() where email = :email")
        await connection.execute(disable, {"email": email})

    signing_in = await identity.http.post("/v1/auth/token", json=credentials)
    renewing = await identity.http.post(
        "/v1/auth/refresh",
        json={"refresh_token": signed_in["refresh_token"]},
    )
    me = await identity.http.get("/v1/me", headers=bearer(signed_in["access_token"]))

    assert signing_in.json()["code"] == "wrong_credentials"
    assert renewing.json()["code"] == "refresh_token_invalid"
    assert me.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer"}, bearer("x.y.z"), {"Authorization": "Basic YTpi"}],
)
async def test_without_a_good_token_nobody_is_anybody(
    identity: Any,
    headers: dict[str, str],
) -> None:
    answer = await identity.http.get("/v1/me", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_says_so(identity: Any, signed_in: dict[str, str]) -> None:
    claims = jwt.decode(signed_in["access_token"], options={"verify_signature": False})
    header = jwt.get_unverified_header(signed_in["access_token"])
    key = identity.app.state.settings.jwt_private_key
    old = jwt.encode(claims | {"exp": claims["iat"] - 60}, key, algorithm="EdDSA", headers=header)

    answer = await identity.http.get("/v1/me", headers=bearer(old))

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


async def test_the_jwks_names_the_key_of_a_token(identity: Any, signed_in: dict[str, str]) -> None:
    kid = jwt.get_unverified_header(signed_in["access_token"])["kid"]

    published = (await identity.http.get("/.well-known/jwks.json")).json()

    assert [key["kid"] for key in published["keys"]] == [kid]
    assert set(published["keys"][0]) == {"kid", "x", "kty", "crv", "alg", "use"}


async def test_anybody_may_know_the_version_and_who_may_register(identity: Any) -> None:
    answer = await identity.http.get("/v1/info")

    assert answer.json() == {"version": "0.1.0", "registration": "open"}
