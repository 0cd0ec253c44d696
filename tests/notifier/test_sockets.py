"""Sockets at a running notifier: signing in, subscribing, and every reason to be closed."""

import asyncio
import socket
from typing import Any

import pytest

UNKNOWN = "job.01a200dd-d554-79f2-8ace-ba0498e0cfb1"


async def test_a_handshake_with_a_token_is_answered_by_ready(ann: Any, open_socket: Any) -> None:
    async with open_socket(ann.token()) as listener:
        ready = await listener.hear()

    assert listener.connection.subprotocol == "tidemill.v1"
    assert ready["op"] == "ready"
    assert ready["head"].startswith(f"{ready['epoch']}.")


async def test_the_first_frame_may_bring_the_token(ann: Any, open_socket: Any) -> None:
    async with open_socket() as listener:
        await listener.say(op="auth", token=ann.token())

        assert (await listener.hear())["op"] == "ready"


async def test_without_a_token_a_socket_ends(open_socket: Any) -> None:
    async with open_socket() as listener:
        code, reason = await listener.closed()

    assert (code, reason) == (4401, "no token came in time")


async def test_a_bad_token_ends_a_socket(open_socket: Any) -> None:
    async with open_socket("no.such.token") as listener:
        assert (await listener.closed())[0] == 4401


async def test_auth_comes_first(open_socket: Any) -> None:
    async with open_socket() as listener:
        await listener.say(op="subscribe", id="s", topics=["all"])

        assert (await listener.closed())[0] == 4401


async def test_a_token_is_warned_about_and_then_ends_the_socket(
    ann: Any,
    open_socket: Any,
) -> None:
    async with open_socket(ann.token(seconds=3)) as listener:
        warning = (await listener.until("auth_expiring"))[-1]
        code, _ = await listener.closed()

    assert warning["in_s"] in (1, 2)
    assert code == 4001


async def test_a_fresh_token_keeps_the_socket_open(ann: Any, open_socket: Any) -> None:
    async with open_socket(ann.token(seconds=3)) as listener:
        await listener.until("auth_expiring")
        await listener.say(op="auth", token=ann.token())
        await listener.until("ready")
        await listener.beats(6)

        await listener.say(op="subscribe", id="s", topics=["all"])

        assert (await listener.until("live"))[-1]["id"] == "s"


async def test_another_users_token_is_refused(ann: Any, bob: Any, open_socket: Any) -> None:
    async with open_socket(ann.token()) as listener:
        await listener.say(op="auth", token=bob.token())

        assert (await listener.closed())[0] == 4003


@pytest.mark.parametrize(
    ("origin", "op"),
    [("https://tools.example.org", "ready"), ("https://evil.example.org", None), ("null", None)],
)
async def test_only_known_pages_may_connect(
    ann: Any,
    open_socket: Any,
    origin: str,
    op: str | None,
) -> None:
    async with open_socket(ann.token(), origin=origin) as listener:
        if op is None:
            assert (await listener.closed())[0] == 4003
        else:
            assert (await listener.hear())["op"] == op


@pytest.mark.parametrize("frame", ["nonsense", '{"op":"shout"}', b'{"op":"\xff"}'])
async def test_a_bad_frame_ends_the_socket(ann: Any, open_socket: Any, frame: Any) -> None:
    async with open_socket(ann.token()) as listener:
        await listener.connection.send(frame)

        assert (await listener.closed())[0] == 4400


async def test_a_frame_above_64_kib_ends_the_socket(ann: Any, open_socket: Any) -> None:
    async with open_socket(ann.token()) as listener:
        await listener.say(op="auth", token="x" * 70_000)

        assert (await listener.closed())[0] == 1009


async def test_a_ping_is_answered_by_the_head(ann: Any, open_socket: Any) -> None:
    async with open_socket(ann.token()) as listener:
        ready = (await listener.until("ready"))[0]
        await listener.say(op="ping")
        async with asyncio.timeout(5):
            answer = await listener.connection.recv()

    assert f'"{ready["head"]}"' in answer


async def test_heartbeats_come_by_themselves(ann: Any, open_socket: Any) -> None:
    async with open_socket(ann.token()) as listener:
        ready = await listener.hear()
        await listener.beats(2)

    assert [beat["head"] for beat in listener.heartbeats] == [ready["head"]] * 2


async def test_a_129th_topic_is_refused_and_the_socket_stays(ann: Any, listening: Any) -> None:
    topics = [f"job.01a200dd-d554-79f2-8ace-{n:012x}" for n in range(128)]

    async with listening(ann) as listener:
        await listener.until("live")
        await listener.say(op="subscribe", id="many", topics=topics)
        error = await listener.hear()
        await listener.say(op="subscribe", id="one", topics=["all"])
        live = (await listener.until("live"))[-1]

    assert (error["op"], error["code"], error["id"]) == ("error", "too_many_subscriptions", "many")
    assert live["id"] == "one"


async def test_an_id_is_used_once(ann: Any, listening: Any) -> None:
    async with listening(ann) as listener:
        await listener.until("live")
        await listener.say(op="subscribe", id="s", topics=["all"])
        error = await listener.hear()

    assert error["code"] == "already_subscribed"


async def test_what_is_unknown_or_foreign_is_not_found(
    ann: Any,
    bob: Any,
    listening: Any,
) -> None:
    foreign = (await bob.submit())[0]

    async with listening(ann, UNKNOWN) as listener:
        unknown = await listener.hear()
        await listener.say(op="subscribe", id="f", topics=[f"job.{foreign}"], since="start")
        refused = await listener.hear()
        await listener.say(op="subscribe", id="d", topics=[f"dataset.{foreign}"])
        dataset = await listener.hear()

    assert [f["code"] for f in (unknown, refused, dataset)] == ["not_found"] * 3
    assert [f["id"] for f in (unknown, refused, dataset)] == ["s", "f", "d"]


@pytest.mark.parametrize("since", ["tomorrow", "1", "1.x", "-1.1", "77.1", "{epoch}.99999999"])
async def test_a_cursor_that_cannot_be_is_refused(ann: Any, open_socket: Any, since: str) -> None:
    async with open_socket(ann.token()) as listener:
        epoch = (await listener.hear())["epoch"]
        await listener.say(op="subscribe", id="s", topics=["all"], since=since.format(epoch=epoch))
        error = await listener.hear()

    assert (error["op"], error["code"]) == ("error", "bad_cursor")


async def test_events_of_another_tenant_never_come(ann: Any, bob: Any, listening: Any) -> None:
    async with listening(ann) as listener:
        await listener.until("live")
        await bob.submit(5)
        mine = await ann.submit()
        items = await listener.items(1)

    assert [item["event"]["job_id"] for item in items] == mine


async def test_an_ended_subscription_is_silent(ann: Any, listening: Any) -> None:
    async with listening(ann) as listener:
        await listener.until("live")
        await listener.say(op="unsubscribe", id="s")
        await listener.say(op="subscribe", id="t", topics=["all"])
        await listener.until("live")
        await ann.submit()
        frame = await listener.hear()

    assert frame["id"] == "t"


async def test_a_revoked_session_is_closed(stack: Any, http: Any, open_socket: Any) -> None:
    who = {"email": f"{id(http)}@example.org", "password": "a good pass phrase"}
    await http.post(f"{stack.urls['identity']}/v1/auth/register", json=who)
    tokens = (await http.post(f"{stack.urls['identity']}/v1/auth/token", json=who)).json()

    async with open_socket(tokens["access_token"]) as listener:
        await listener.until("ready")
        refresh = {"refresh_token": tokens["refresh_token"]}
        await http.post(f"{stack.urls['identity']}/v1/auth/logout", json=refresh)
        async with asyncio.timeout(5):
            code, reason = await listener.closed()

    assert (code, reason) == (4401, "the session was revoked")


async def test_a_client_that_does_not_read_is_closed_and_can_resume(
    ann: Any,
    open_socket: Any,
    listening: Any,
    flood: Any,
) -> None:
    async with open_socket(ann.token(), max_queue=1, ping_interval=None) as slow:
        await slow.until("ready")
        await slow.say(op="subscribe", id="s", topics=["all"])
        await slow.until("live")
        async with listening(ann) as other:
            await other.until("live")
            await asyncio.gather(flood(ann, 240), other.items(240))
        code, reason, seen = await slow.rest()

    assert code == 4008
    resume = reason.removeprefix("resume from ")
    async with listening(ann, since=resume) as again:
        rest = await again.until("live")
    later = [item["cursor"] for frame in rest for item in frame.get("items", [])]
    assert len(seen) == len(set(seen))
    assert len(later) == len(set(later))
    assert len({*seen, *later}) == 240


@pytest.mark.slow
async def test_a_client_that_never_reads_is_cut_off(
    ann: Any,
    bob: Any,
    stack: Any,
    open_socket: Any,
) -> None:
    """Nothing reaches it, so only its own next frames can tell: the kernel has let it go."""
    loop = asyncio.get_running_loop()
    host, port = stack.urls["notifier"].removeprefix("http://").split(":")
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stuck.setblocking(False)  # noqa: FBT003 - the socket module's signature
        await loop.sock_connect(stuck, (host, int(port)))
        await loop.sock_sendall(stuck, _HANDSHAKE % (host.encode(), ann.token().encode()))
        assert b" 101 " in await loop.sock_recv(stuck, 4_096)
        await loop.sock_sendall(stuck, _masked(b'{"op":"subscribe","id":"s","topics":["all"]}'))
        for _ in range(5):
            await ann.submit(60, size=40_000)

        async with open_socket(bob.token()) as clock:
            await clock.until("ready")
            with pytest.raises(ConnectionError):
                await _say_at_each_beat(stuck, clock)


async def _say_at_each_beat(stuck: socket.socket, clock: Any) -> None:
    async with asyncio.timeout(40):
        while True:
            await clock.beats(1)
            await asyncio.get_running_loop().sock_sendall(stuck, _masked(b'{"op":"ping"}'))


_HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: %b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Authorization: Bearer %b\r\n\r\n"
)


def _masked(payload: bytes) -> bytes:
    """A text frame whose mask changes nothing."""
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def test_progress_of_a_running_job_comes_along(ann: Any, listening: Any) -> None:
    async with listening(ann) as listener:
        await listener.until("live")
        job = (await ann.submit(processor="wait", params={"seconds": 2}, value=None, run_at=None))[
            0
        ]
        progress = (await listener.until("progress"))[-1]
        await listener.say(op="subscribe", id="j", topics=[f"job.{job}"])
        frames = await listener.until("live")
        again = [f for f in [*frames, *await listener.until("progress")] if f["op"] == "progress"]

    assert progress["job_id"] == job
    assert progress["progress"]["step"] == "wait"
    assert again
