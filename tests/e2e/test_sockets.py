"""Signing in over the WebSocket, and why a socket is closed."""

import time

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.people import Person, listening, signed_anew
from tidemill_contracts.stream import CloseCode
from tidemill_stack.stack import Stack


async def test_a_bearer_header_on_the_handshake_signs_in(stack: Stack, ann: Person) -> None:
    async with listening(stack, ann.tokens.access_token) as listener:
        await listener.say(op="subscribe", id="s", topics=["all"])
        frames = await listener.until("live")

    assert [frame["op"] for frame in frames] == ["ready", "subscribed", "live"]


async def test_the_first_frame_signs_in(stack: Stack, ann: Person) -> None:
    async with listening(stack) as listener:
        await listener.say(op="auth", token=ann.tokens.access_token)
        await listener.say(op="subscribe", id="s", topics=["all"])
        frames = await listener.until("live")

    assert [frame["op"] for frame in frames] == ["ready", "subscribed", "live"]


async def test_a_socket_that_does_not_sign_in_is_closed_in_time(stack: Stack) -> None:
    began = time.monotonic()

    async with listening(stack) as listener:
        code = await listener.closed()

    assert code == CloseCode.NOT_SIGNED_IN
    assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize("token", ["", "no.such.token", "tm_live_nothing"])
async def test_a_bad_token_closes_the_socket(stack: Stack, token: str) -> None:
    async with listening(stack) as listener:
        await listener.say(op="auth", token=token)
        code = await listener.closed()

    assert code == CloseCode.NOT_SIGNED_IN


@pytest.mark.parametrize("by_header", [True, False])
async def test_an_expired_token_opens_no_socket(
    stack: Stack, ann: Person, *, by_header: bool
) -> None:
    old = signed_anew(stack, ann.tokens.access_token, exp=int(time.time()) - 100)

    async with listening(stack, old if by_header else None) as listener:
        if not by_header:
            await listener.say(op="auth", token=old)
        code = await listener.closed()

    assert code == CloseCode.TOKEN_EXPIRED


async def test_an_open_socket_is_warned_and_closed_when_its_token_ends(
    stack: Stack, ann: Person
) -> None:
    short = signed_anew(stack, ann.tokens.access_token, exp=int(time.time()) + 3)

    async with listening(stack, short) as listener:
        warning = (await listener.until("auth_expiring"))[-1]
        code = await listener.closed()

    assert warning["in_s"] <= 2
    assert code == CloseCode.TOKEN_EXPIRED


async def test_a_fresh_token_keeps_the_socket_past_the_end_of_its_first(
    stack: Stack, ann: Person
) -> None:
    ends = int(time.time()) + 2
    short = signed_anew(stack, ann.tokens.access_token, exp=ends)

    async with listening(stack, short) as listener:
        await listener.until("auth_expiring")
        await listener.say(op="auth", token=ann.tokens.access_token)
        while time.time() < ends + 1:
            await listener.until("heartbeat")
        await listener.say(op="subscribe", id="s", topics=["all"])
        frames = await listener.until("live")

    assert frames[-1]["id"] == "s"


async def test_logout_closes_the_sessions_socket(
    stack: Stack, ann: Person, http: httpx.AsyncClient
) -> None:
    async with listening(stack, ann.tokens.access_token) as listener:
        await listener.until("ready")
        order = {"refresh_token": ann.tokens.refresh_token}
        await http.post("/v1/auth/logout", json=order)
        code = await listener.closed()

    assert code == CloseCode.NOT_SIGNED_IN


async def test_what_is_no_frame_closes_the_socket(stack: Stack, ann: Person) -> None:
    async with listening(stack, ann.tokens.access_token) as listener:
        await listener.say(op="shout")
        code = await listener.closed()

    assert code == CloseCode.BAD_FRAME


async def test_there_is_no_socket_elsewhere(stack: Stack, ann: Person) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with listening(stack, ann.tokens.access_token, path="/v1/jobs/stream"):
            pass

    assert refused.value.response.status_code == 404
