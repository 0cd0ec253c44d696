"""Guessing passwords: failures are limited, honest users are not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

type StartIdentity = Callable[..., Awaitable[Any]]


async def sign_in(identity: Any, email: str, password: str, *, address: str = "") -> Any:
    headers = {"X-Forwarded-For": address} if address else {}
    body = {"email": email, "password": password}
    return await identity.http.post("/v1/auth/token", json=body, headers=headers)


async def test_after_five_failures_an_account_is_slowed_down(
    identity: Any,
    email: str,
    signed_in: dict[str, str],
) -> None:
    assert signed_in
    failed = [await sign_in(identity, email, f"guess {number}") for number in range(5)]

    sixth = await sign_in(identity, email, "a good pass phrase")

    assert [answer.status_code for answer in failed] == [401] * 5
    assert (sixth.status_code, sixth.json()["code"]) == (429, "too_many_failures")
    assert sixth.json()["limit"] == "sign_in_failures_per_account"
    assert int(sixth.headers["retry-after"]) > 0


async def test_an_unknown_account_is_slowed_down_alike(identity: Any, email: str) -> None:
    answers = [await sign_in(identity, email, f"guess {number}") for number in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_guesses_at_once_get_no_further(identity: Any, email: str) -> None:
    tries = [sign_in(identity, email, f"guess {number}") for number in range(20)]

    answers = await asyncio.gather(*tries)

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 20 - 5 - 1


async def test_one_guess_for_each_of_many_accounts_is_limited_by_address(
    start: StartIdentity,
    email: str,
) -> None:
    identity = await start(sign_in_failures_per_address="10")
    answers = [
        await sign_in(identity, f"{number}-{email}", "guess", address="203.0.113.7")
        for number in range(11)
    ]

    elsewhere = await sign_in(identity, f"last-{email}", "guess", address="203.0.113.8")

    assert answers[-1].status_code == 429
    assert answers[-1].json()["limit"] == "sign_in_failures_per_address"
    assert elsewhere.status_code == 401


async def test_signing_in_often_and_well_is_never_limited(
    identity: Any,
    email: str,
    signed_in: dict[str, str],
) -> None:
    assert signed_in
    tries = [sign_in(identity, email, "a good pass phrase") for _ in range(12)]

    answers = await asyncio.gather(*tries)

    assert {answer.status_code for answer in answers} == {200}


async def test_a_good_password_forgives_the_failures_before_it(
    identity: Any,
    email: str,
    signed_in: dict[str, str],
) -> None:
    assert signed_in
    for _ in range(2):
        for number in range(4):
            await sign_in(identity, email, f"guess {number}")
        last = await sign_in(identity, email, "a good pass phrase")

        assert last.status_code == 200
