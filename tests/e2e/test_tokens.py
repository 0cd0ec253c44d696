"""Signing in over HTTP: registration, tokens, their renewal and their end."""

import time

import httpx
import pytest

from tests.e2e.people import PASSWORD, Person, signed_anew
from tidemill_contracts.ids import uuid7
from tidemill_stack.stack import Stack


async def test_who_registers_and_signs_in_may_call(http: httpx.AsyncClient) -> None:
    account = {"email": f"{uuid7().hex}@example.org", "password": PASSWORD}

    made = await http.post("/v1/auth/register", json=account)
    signed_in = await http.post("/v1/auth/token", json=account)
    token = signed_in.json()["access_token"]
    me = await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})

    assert (made.status_code, signed_in.status_code, me.status_code) == (201, 200, 200)
    assert me.json() == made.json()["user"]
    assert me.json()["tenant_id"] == made.json()["tenant"]["id"]
    assert signed_in.json()["token_type"] == "Bearer"


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD.upper()])
async def test_a_wrong_password_is_refused(
    ann: Person, http: httpx.AsyncClient, password: str
) -> None:
    order = {"email": ann.user.email, "password": password}

    answer = await http.post("/v1/auth/token", json=order)

    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_session(
    ann: Person, http: httpx.AsyncClient
) -> None:
    first = {"refresh_token": ann.tokens.refresh_token}

    renewed = await http.post("/v1/auth/refresh", json=first)
    reused = await http.post("/v1/auth/refresh", json=first)
    second = {"refresh_token": renewed.json()["refresh_token"]}
    after = await http.post("/v1/auth/refresh", json=second)
    token = renewed.json()["access_token"]
    me = await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})

    assert renewed.status_code == 200
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_token_reused")
    assert (after.status_code, after.json()["code"]) == (401, "refresh_token_invalid")
    assert (me.status_code, me.json()["code"]) == (401, "not_signed_in")


async def test_logout_ends_the_session(ann: Person, http: httpx.AsyncClient) -> None:
    order = {"refresh_token": ann.tokens.refresh_token}

    out = await http.post("/v1/auth/logout", json=order)
    me = await ann.ask("GET", "/v1/me")
    renewed = await http.post("/v1/auth/refresh", json=order)

    assert (out.status_code, me.status_code, renewed.status_code) == (204, 401, 401)


@pytest.mark.parametrize("path", ["/v1/me", "/v1/datasets", "/v1/jobs", "/v1/events"])
async def test_every_service_refuses_an_expired_token(stack: Stack, ann: Person, path: str) -> None:
    now = int(time.time())
    claims = {"iat": now - 700, "nbf": now - 700, "exp": now - 100}
    old = signed_anew(stack, ann.tokens.access_token, **claims)

    answer = await ann.ask("GET", path, headers={"Authorization": f"Bearer {old}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/me", "/v1/datasets", "/v1/jobs", "/v1/events"])
async def test_every_service_refuses_a_token_with_a_changed_claim(ann: Person, path: str) -> None:
    head, claims, signature = ann.tokens.access_token.split(".")
    other = "A" if claims[20] != "A" else "B"
    forged = ".".join([head, claims[:20] + other + claims[21:], signature])

    answer = await ann.ask("GET", path, headers={"Authorization": f"Bearer {forged}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
