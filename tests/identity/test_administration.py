"""The system's first administrator: by the one-time link or by the command, never by default."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from tidemill_stack.stack import Stack

PASSWORD = "a good pass phrase"


@pytest.fixture
async def nobody_is_administrator(identity: Any) -> AsyncGenerator[None]:
    async def clear() -> None:
        async with identity.app.state.database.transaction() as connection:
            await connection.execute(text("update users set system_admin = false"))
            await connection.execute(text("delete from setup_links"))

    await clear()
    yield
    await clear()


async def run(infra: Stack, *arguments: str, stdin: str = "") -> tuple[int, Any, str]:
    command = Path(sys.executable).with_name("tidemill-users")
    process = await asyncio.create_subprocess_exec(
        str(command),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=infra.env("identity"),
    )
    out, errors = await process.communicate(stdin.encode())
    return process.returncode or 0, msgspec.json.decode(out) if out else None, errors.decode()


async def set_up(identity: Any, token: str, email: str) -> Any:
    body = {"token": token, "email": email, "password": PASSWORD}
    return await identity.http.post("/v1/setup", json=body)


@pytest.mark.usefixtures("nobody_is_administrator")
async def test_a_link_made_by_the_command_works_once(
    identity: Any,
    infra: Stack,
    email: str,
) -> None:
    _, made, _ = await run(infra, "setup-link")

    first = await set_up(identity, made["token"], email)
    second = await set_up(identity, made["token"], f"other-{email}")
    _, again, _ = await run(infra, "setup-link")

    assert made["url"].endswith(f"/setup#{made['token']}")
    assert first.status_code == 201
    assert first.json()["user"]["system_admin"]
    assert (second.status_code, second.json()["code"]) == (403, "setup_link_invalid")
    assert again == {"needed": False}


@pytest.mark.usefixtures("nobody_is_administrator")
async def test_a_taken_address_does_not_use_up_the_link(
    identity: Any,
    infra: Stack,
    email: str,
    signed_in: dict[str, str],
) -> None:
    assert signed_in
    _, made, _ = await run(infra, "setup-link")

    taken = await set_up(identity, made["token"], email)
    free = await set_up(identity, made["token"], f"other-{email}")

    assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")
    assert free.status_code == 201


@pytest.mark.parametrize("token", ["", "tm_setup_guess", "\0"])
async def test_a_guessed_link_is_refused(identity: Any, email: str, token: str) -> None:
    answer = await set_up(identity, token, email)

    assert (answer.status_code, answer.json()["code"]) == (403, "setup_link_invalid")


@pytest.mark.usefixtures("nobody_is_administrator")
async def test_the_command_makes_an_administrator_who_can_sign_in(
    identity: Any,
    infra: Stack,
    email: str,
) -> None:
    code, made, _ = await run(infra, "create", "--email", email, "--admin", stdin=f"{PASSWORD}\n")
    answer = await identity.http.post(
        "/v1/auth/token",
        json={"email": email, "password": PASSWORD},
    )

    assert code == 0
    assert made["user"]["system_admin"]
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("arguments", "password", "reason"),
    [
        (["--email", "nowhere"], PASSWORD, "bad_request"),
        (["--email", "ann@example.org"], "short", "bad_request"),
        (["--email", "ann@example.org"], "password1", "password_too_common"),
    ],
)
async def test_the_command_says_what_is_wrong(
    infra: Stack,
    arguments: list[str],
    password: str,
    reason: str,
) -> None:
    code, made, errors = await run(infra, "create", *arguments, stdin=f"{password}\n")

    assert (code, made) == (1, None)
    assert errors.startswith(reason)
