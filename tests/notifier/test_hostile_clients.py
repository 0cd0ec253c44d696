"""Clients that send what they should not: each gets its answer, and a neighbour notices nothing."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tidemill_contracts.stream import CloseCode

UNKNOWN = "job.01a200dd-d554-79f2-8ace-ba0498e0cfb1"
PINGS = 10_000

FRAMES = {
    "not JSON": ("nonsense", CloseCode.BAD_FRAME),
    "no object": ("[1, 2]", CloseCode.BAD_FRAME),
    "an empty frame": ("", CloseCode.BAD_FRAME),
    "an unknown op": ('{"op":"shout"}', CloseCode.BAD_FRAME),
    "an unknown field": ('{"op":"ping","loud":true}', CloseCode.BAD_FRAME),
    "topics of the wrong type": (
        '{"op":"subscribe","id":"s","topics":"all"}',
        CloseCode.BAD_FRAME,
    ),
    "a topic of no kind": (
        '{"op":"subscribe","id":"s","topics":["tm.event.>"]}',
        CloseCode.BAD_FRAME,
    ),
    "JSON without end": ("[" * 60_000, CloseCode.BAD_FRAME),
    "bytes that are no text": (b'{"op":"\xff"}', CloseCode.BAD_FRAME),
    "70 KB": ('{"op":"auth","token":"' + "x" * 70_000 + '"}', CloseCode.TOO_LARGE),
    "70 KB in pieces": (["x" * 35_000, "x" * 35_000], CloseCode.TOO_LARGE),
}
CURSORS = {"the future": "{epoch}.99999999", "another epoch": "77.1", "no log": "tomorrow"}


@pytest.fixture
def neighbour(bob: Any, listening: Any) -> Callable[[], Any]:
    """Somebody else's socket; called, it checks that a new event reaches it."""

    @asynccontextmanager
    async def unharmed() -> AsyncGenerator[None]:
        async with listening(bob) as listener:
            await listener.until("live")
            yield
            jobs = await bob.submit()
            items = await listener.items(1)
        assert [item["event"]["job_id"] for item in items] == jobs

    return unharmed


@pytest.mark.parametrize("name", FRAMES)
async def test_a_bad_frame_ends_its_socket_alone(
    ann: Any, open_socket: Any, neighbour: Any, name: str
) -> None:
    frame, wanted = FRAMES[name]

    async with neighbour(), open_socket(ann.token()) as listener:
        await listener.connection.send(frame)
        code, _ = await listener.closed()

    assert code == wanted


async def test_a_text_frame_that_is_not_utf8_ends_its_socket_alone(
    ann: Any, open_socket: Any, neighbour: Any
) -> None:
    async with neighbour(), open_socket(ann.token()) as listener:
        await listener.connection.send(b'{"op":"\xff\xfe"}', text=True)
        code, _ = await listener.closed()

    assert code == CloseCode.INVALID_UTF8


@pytest.mark.parametrize(
    ("seconds", "origin", "wanted"),
    [
        (None, None, CloseCode.NOT_SIGNED_IN),
        (600, "https://evil.example.org", CloseCode.FORBIDDEN),
    ],
)
async def test_who_may_not_come_in_ends_alone(
    ann: Any, open_socket: Any, neighbour: Any, seconds: int | None, origin: Any, wanted: int
) -> None:
    token = None if seconds is None else ann.token(seconds)

    async with neighbour(), open_socket(token, origin=origin) as listener:
        code, _ = await listener.closed()

    assert code == wanted


async def test_an_expired_token_ends_its_socket_alone(
    ann: Any, open_socket: Any, neighbour: Any
) -> None:
    async with neighbour(), open_socket(ann.token(seconds=2)) as listener:
        code, _ = await listener.closed()

    assert code == CloseCode.TOKEN_EXPIRED


async def test_ten_thousand_tiny_frames_are_answered_one_by_one(
    ann: Any, open_socket: Any, neighbour: Any
) -> None:
    async with neighbour(), open_socket(ann.token()) as listener:
        await listener.until("ready")
        for _ in range(PINGS):
            await listener.say(op="ping")
        await listener.beats(PINGS)

        await listener.say(op="subscribe", id="s", topics=["all"])

        assert (await listener.until("live"))[-1]["id"] == "s"


async def test_the_129th_subscription_is_refused_alone(
    ann: Any, open_socket: Any, neighbour: Any
) -> None:
    async with neighbour(), open_socket(ann.token()) as listener:
        await listener.until("ready")
        for number in range(129):
            await listener.say(op="subscribe", id=f"s{number}", topics=["all"])
        error = (await listener.until("error"))[-1]
        await listener.say(op="unsubscribe", id="s0")
        await listener.say(op="subscribe", id="again", topics=["all"])
        frames = await listener.until("live")
        while frames[-1]["id"] != "again":
            frames += await listener.until("live")

    assert (error["code"], error["id"]) == ("too_many_subscriptions", "s128")


@pytest.mark.parametrize("name", CURSORS)
async def test_a_cursor_that_cannot_be_is_refused_alone(
    ann: Any, open_socket: Any, neighbour: Any, name: str
) -> None:
    async with neighbour(), open_socket(ann.token()) as listener:
        epoch = (await listener.hear())["epoch"]
        since = CURSORS[name].format(epoch=epoch)
        await listener.say(op="subscribe", id="s", topics=["all"], since=since)
        error = await listener.hear()

    assert (error["op"], error["code"], error["id"]) == ("error", "bad_cursor", "s")


async def test_a_cursor_of_another_tenant_shows_nothing_of_it(
    ann: Any, bob: Any, listening: Any, published: Any
) -> None:
    async with listening(bob) as listener:
        theirs = (await listener.until("live"))[-1]["cursor"]
    await published(bob, 3)
    mine = await published(ann, 2)

    async with listening(ann, since=theirs) as listener:
        frames = await listener.until("live")

    items = [item for frame in frames for item in frame.get("items", [])]
    assert frames[0]["recovered"]
    assert sorted(item["event"]["job_id"] for item in items) == sorted(mine)


async def test_a_cursor_that_memory_has_forgotten_is_as_good_as_any(
    ann: Any, bob: Any, listening: Any, published: Any
) -> None:
    async with listening(ann) as listener:
        old = (await listener.until("live"))[-1]["cursor"]
    mine = await published(ann, 3)
    await published(bob, 50)

    async with listening(ann, since=old) as listener:
        frames = await listener.until("live")

    items = [item for frame in frames for item in frame.get("items", [])]
    assert frames[0]["recovered"]
    assert sorted(item["event"]["job_id"] for item in items) == sorted(mine)
