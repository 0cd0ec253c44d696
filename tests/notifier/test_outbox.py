"""The outbox: in order, in few frames, bounded."""

import asyncio
from typing import Any

import msgspec
from msgspec import Raw

from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_contracts.stream import MAX_SERVER_FRAME_BYTES, Heartbeat, Live
from tidemill_notifier.outbox import Outbox, frames
from tidemill_notifier.ring import Entry

SUBJECT = "tm.event." + "0" * 32 + ".job.queued"


class Sent:
    """What an outbox wrote, and whether it overflowed; `gate` holds every write up."""

    def __init__(self, *, max_frames: int = 100, max_bytes: int = 100_000) -> None:
        self.frames: list[Any] = []
        self.overflows = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.outbox = Outbox(
            self._write,
            max_frames=max_frames,
            max_bytes=max_bytes,
            overflowed=self._overflowed,
        )

    async def _write(self, frame: bytes) -> None:
        await self.gate.wait()
        self.frames.append(msgspec.json.decode(frame))

    def _overflowed(self) -> None:
        self.overflows += 1


def entry(position: int, body: bytes = b"{}") -> Entry:
    return Entry(Cursor(1, position), SUBJECT, body)


def cursors(frame: Any) -> list[str]:
    return [item["cursor"] for item in frame["items"]]


async def test_what_waits_goes_out_in_one_frame() -> None:
    sent = Sent()

    for position in (1, 2, 3):
        sent.outbox.push("s", entry(position))
    await sent.outbox.send(b'{"op":"end"}')

    assert [frame["op"] for frame in sent.frames] == ["events", "end"]
    assert cursors(sent.frames[0]) == ["1.1", "1.2", "1.3"]


async def test_each_subscription_has_frames_of_its_own() -> None:
    sent = Sent()

    for position in (1, 2):
        sent.outbox.push("a", entry(position))
        sent.outbox.push("b", entry(position))
    await sent.outbox.send(b"{}")

    assert [(frame["id"], cursors(frame)) for frame in sent.frames[:2]] == [
        ("a", ["1.1", "1.2"]),
        ("b", ["1.1", "1.2"]),
    ]


async def test_events_do_not_pass_a_frame_that_came_before_them() -> None:
    sent = Sent()

    sent.outbox.push("s", entry(1))
    sent.outbox.put(Live("s", "1.1"))
    sent.outbox.push("s", entry(2))
    await sent.outbox.send(b'{"op":"end"}')

    assert [frame["op"] for frame in sent.frames] == ["events", "live", "events", "end"]


async def test_progress_is_the_latest_of_each_job() -> None:
    sent = Sent()

    for done in (b'{"done":1}', b'{"done":2}'):
        sent.outbox.progress("s", "a", done)
    sent.outbox.progress("s", "b", b'{"done":9}')
    await sent.outbox.send(b'{"op":"end"}')

    assert [(f["job_id"], f["progress"]["done"]) for f in sent.frames[:2]] == [("a", 2), ("b", 9)]


async def test_a_full_outbox_says_so_once_and_knows_where_to_resume() -> None:
    sent = Sent(max_bytes=1_000)
    sent.gate.clear()
    running = asyncio.create_task(sent.outbox.run())

    sent.outbox.push("s", entry(7))
    await asyncio.sleep(0)
    for position in range(8, 60):
        sent.outbox.push("s", entry(position))

    assert sent.overflows == 1
    assert sent.outbox.first_unsent == Cursor(1, 7)
    running.cancel()


async def test_frames_are_counted_too() -> None:
    sent = Sent(max_frames=10)

    for _ in range(11):
        sent.outbox.put(Heartbeat("1.1"))

    assert sent.overflows == 1


async def test_nothing_waits_for_a_subscription_that_has_ended() -> None:
    sent = Sent()

    sent.outbox.push("a", entry(1))
    sent.outbox.push("b", entry(1))
    sent.outbox.progress("a", "x", b"{}")
    sent.outbox.drop("a")
    await sent.outbox.send(b'{"op":"end"}')

    assert [frame.get("id") for frame in sent.frames] == ["b", None]


def test_no_frame_is_larger_than_allowed() -> None:
    items = [b'{"cursor":"1.%d","event":"%b"}' % (n, b"x" * 60_000) for n in range(30)]

    made = list(frames("s", items, replay=True))

    assert all(len(frame) <= MAX_SERVER_FRAME_BYTES for frame in made)
    assert len(made) > 1
    found = [item for frame in made for item in msgspec.json.decode(frame)["items"]]
    assert [item["cursor"] for item in found] == [f"1.{n}" for n in range(30)]
    assert all(msgspec.json.decode(frame)["replay"] for frame in made)


def lines(*numbers: int, skipped: int = 0, size: int = 0) -> LiveLines:
    pad = " " * size
    return LiveLines([Raw(b'{"number":%d}%b' % (n, pad.encode())) for n in numbers], skipped)


async def test_lines_of_a_job_go_out_together_behind_all_events() -> None:
    sent = Sent()
    sent.outbox.say("s", "job", lines(1, 2))
    sent.outbox.push("s", entry(1))
    sent.outbox.say("s", "job", lines(3, skipped=4))

    await sent.outbox.send(b'{"op":"end"}')

    assert [frame["op"] for frame in sent.frames] == ["events", "log", "end"]
    said = sent.frames[1]
    assert [line["number"] for line in said["lines"]] == [1, 2, 3]
    assert (said["id"], said["job_id"], said["skipped"]) == ("s", "job", 4)


async def test_lines_that_a_slow_socket_cannot_take_are_counted_and_close_nothing() -> None:
    sent = Sent(max_bytes=1_000, max_frames=10)

    for number in range(1_000):
        sent.outbox.say("s", "job", lines(number, size=1_000))
    await sent.outbox.send(b'{"op":"end"}')

    said, _ = sent.frames
    assert sent.overflows == 0
    assert 200 < len(said["lines"]) < 300
    assert len(said["lines"]) + said["skipped"] == 1_000


async def test_a_subscription_that_has_ended_gets_no_lines() -> None:
    sent = Sent()
    sent.outbox.say("s", "job", lines(1))
    sent.outbox.say("t", "job", lines(1))

    sent.outbox.drop("s")
    await sent.outbox.send(b'{"op":"end"}')

    assert [frame.get("id") for frame in sent.frames] == ["t", None]
