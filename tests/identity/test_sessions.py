"""Sessions: renewed once with each refresh token, ended by a second use."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

type Tokens = dict[str, str]


async def refresh(identity: Any, token: str) -> Any:
    return await identity.http.post("/v1/auth/refresh", json={"refresh_token": token})


async def me(identity: Any, tokens: Tokens) -> int:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await identity.http.get("/v1/me", headers=headers)).status_code


async def revocations(identity: Any, email: str) -> int:
    query = text(
        """select count(*) from events e join sessions s on s.id = e.key
        join users u on u.id = s.user_id where u.email = :email and e.type = 'session.revoked'""",
    )
    async with identity.app.state.database.transaction() as connection:
        return int(await connection.scalar(query, {"email": email}))


async def test_a_refresh_token_is_exchanged_for_a_new_pair(
    identity: Any,
    signed_in: Tokens,
) -> None:
    answer = await refresh(identity, signed_in["refresh_token"])

    renewed = answer.json()
    assert answer.status_code == 200
    assert renewed["refresh_token"] != signed_in["refresh_token"]
    assert await me(identity, renewed) == 200


async def test_an_old_refresh_token_ends_the_whole_session(
    identity: Any,
    email: str,
    signed_in: Tokens,
) -> None:
    renewed = (await refresh(identity, signed_in["refresh_token"])).json()

    reused = await refresh(identity, signed_in["refresh_token"])

    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_token_reused")
    after = await refresh(identity, renewed["refresh_token"])
    assert (after.status_code, after.json()["code"]) == (401, "refresh_token_invalid")
    assert await me(identity, renewed) == 401
    assert await revocations(identity, email) == 1


async def test_of_two_who_renew_at_once_one_wins_and_the_session_ends(
    identity: Any,
    email: str,
    signed_in: Tokens,
) -> None:
    tries = [refresh(identity, signed_in["refresh_token"]) for _ in range(2)]

    answers = await asyncio.gather(*tries)

    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert await revocations(identity, email) == 1


async def test_signing_out_ends_the_session_at_once(
    identity: Any,
    email: str,
    signed_in: Tokens,
) -> None:
    body = {"refresh_token": signed_in["refresh_token"]}

    first = await identity.http.post("/v1/auth/logout", json=body)
    second = await identity.http.post("/v1/auth/logout", json=body)

    assert (first.status_code, second.status_code) == (204, 204)
    assert await me(identity, signed_in) == 401
    assert (await refresh(identity, signed_in["refresh_token"])).status_code == 401
    assert await revocations(identity, email) == 1


@pytest.mark.parametrize("token", ["", "tm_refresh_unknown", "\0"])
async def test_an_unknown_refresh_token_is_refused(identity: Any, token: str) -> None:
    answer = await refresh(identity, token)

    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")


async def test_a_session_that_is_too_old_must_sign_in_again(
    identity: Any,
    email: str,
    signed_in: Tokens,
) -> None:
    async with identity.app.state.database.transaction() as connection:
        age = text(
            """update sessions s set expires_at = now() from users u
            where u.id = s.user_id and u.email = :email""",
        )
        await connection.execute(age, {"email": email})

    answer = await refresh(identity, signed_in["refresh_token"])

    assert answer.json()["code"] == "refresh_token_invalid"


async def test_no_secret_is_stored_as_it_is(identity: Any, signed_in: Tokens) -> None:
    secret = signed_in["refresh_token"]

    async with identity.app.state.database.transaction() as connection:
        rows = await connection.scalars(text("select t::text from refresh_tokens t"))
        kept = [row for row in rows if secret in row or secret.encode().hex() in row]

    assert kept == []


async def test_a_caller_sees_only_the_rows_of_its_tenant(
    identity: Any,
    email: str,
    signed_in: Tokens,
) -> None:
    await identity.http.post(
        "/v1/auth/register",
        json={"email": f"other-{email}", "password": "a good pass phrase"},
    )
    database = identity.app.state.database
    async with database.transaction() as connection:
        query = text("select tenant_id from users where email = :email")
        tenant = await connection.scalar(query, {"email": email})

    async with database.on_behalf_of(tenant) as connection:
        emails = list(await connection.scalars(text("select email from users")))
        tenants = list(await connection.scalars(text("select id from tenants")))
        sessions = set(await connection.scalars(text("select tenant_id from sessions")))

    assert signed_in
    assert emails == [email]
    assert tenants == [tenant]
    assert sessions == {tenant}
