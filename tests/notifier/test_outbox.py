"""The outbox: in order, in few frames, bounded."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from tidemill_contracts.lines import LiveLines
from tidemill_contracts.log import Cursor
from tidemill_contracts.stream import MAX_SERVER_FRAME_BYTES, Heartbeat, Live
from tidemill_notifier import frames
from tidemill_notifier.fanout import Batch
from tidemill_notifier.outbox import Outbox
from tidemill_notifier.ring import Entry

SUBJECT = "tm.event." + "0" * 32 + ".job.queued"


class Sent:
    """A line that keeps what an outbox wrote; it takes nothing while `gate` is closed."""

    def __init__(self, *, max_frames: int = 100, max_bytes: int = 100_000) -> None:
        self.frames: list[Any] = []
        self.overflows = 0
        self.gate = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.outbox = Outbox(
            self,
            max_frames=max_frames,
            max_bytes=max_bytes,
            overflowed=self._overflowed,
            run=self._run,
        )

    def offer(self, frame: bytes) -> bool:
        if self.gate.is_set():
            self.frames.append(msgspec.json.decode(payload(frame)))
        return self.gate.is_set()

    async def drained(self) -> None:
        await self.gate.wait()

    async def rest(self) -> None:
        """Take all that waits."""
        self.gate.set()
        await asyncio.gather(*self._tasks)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._tasks.append(asyncio.create_task(work))
        return self._tasks[-1]

    def _overflowed(self) -> None:
        self.overflows += 1


def entry(position: int, body: bytes = b"{}") -> Entry:
    return Entry(Cursor(1, position), SUBJECT, body)


def batch(name: str, *positions: int) -> Batch:
    return Batch(name, [entry(position) for position in positions])


def cursors(frame: Any) -> list[str]:
    return [item["cursor"] for item in frame["items"]]


def payload(frame: bytes) -> bytes:
    """The text in a whole frame of a server."""
    lengths = {126: 4, 127: 10}
    return frame[lengths.get(frame[1], 2) :]


async def test_events_go_out_at_once_while_the_socket_takes_them() -> None:
    sent = Sent()
    sent.gate.set()

    sent.outbox.push(batch("s", 1, 2))
    sent.outbox.put(Live("s", "1.2"))

    assert [frame["op"] for frame in sent.frames] == ["events", "live"]
    assert cursors(sent.frames[0]) == ["1.1", "1.2"]


async def test_what_waits_goes_out_in_one_frame() -> None:
    sent = Sent()

    for position in (1, 2, 3):
        sent.outbox.push(batch("s", position))
    await sent.rest()

    assert [cursors(frame) for frame in sent.frames] == [["1.1", "1.2", "1.3"]]


async def test_each_subscription_has_frames_of_its_own() -> None:
    sent = Sent()

    for position in (1, 2):
        sent.outbox.push(batch("a", position))
        sent.outbox.push(batch("b", position))
    await sent.rest()

    assert [(frame["id"], cursors(frame)) for frame in sent.frames] == [
        ("a", ["1.1", "1.2"]),
        ("b", ["1.1", "1.2"]),
    ]


async def test_events_do_not_pass_a_frame_that_came_before_them() -> None:
    sent = Sent()

    sent.outbox.push(batch("s", 1))
    sent.outbox.put(Live("s", "1.1"))
    sent.outbox.push(batch("s", 2))
    await sent.rest()

    assert [frame["op"] for frame in sent.frames] == ["events", "live", "events"]


async def test_a_page_of_a_replay_takes_its_turn_and_no_room() -> None:
    sent = Sent(max_bytes=1_000)
    sent.outbox.put(Heartbeat("1.1"))

    page = asyncio.create_task(sent.outbox.send("s", b'{"op":"%b"}' % (b"x" * 5_000)))
    await asyncio.sleep(0)
    sent.outbox.put(Live("s", "1.1"))
    waited = not page.done()
    await sent.rest()
    await page

    assert waited
    assert [frame["op"][:9] for frame in sent.frames] == ["heartbeat", "x" * 9, "live"]
    assert sent.overflows == 0


async def test_a_replay_that_is_given_up_takes_nothing_of_others_along() -> None:
    sent = Sent()
    sent.outbox.push(batch("a", 1))
    page = asyncio.create_task(sent.outbox.send("b", b'{"op":"page"}'))
    await asyncio.sleep(0)

    page.cancel()
    sent.outbox.drop("b")
    sent.outbox.push(batch("a", 2))
    await sent.rest()

    assert [cursors(frame) for frame in sent.frames] == [["1.1"], ["1.2"]]


async def test_progress_is_the_latest_of_each_job() -> None:
    sent = Sent()

    for done in (b'{"done":1}', b'{"done":2}'):
        sent.outbox.progress("s", "a", done)
    sent.outbox.progress("s", "b", b'{"done":9}')
    await sent.rest()

    assert [(f["job_id"], f["progress"]["done"]) for f in sent.frames] == [("a", 2), ("b", 9)]


async def test_a_full_outbox_says_so_once_and_knows_where_to_resume() -> None:
    sent = Sent(max_bytes=1_000)

    sent.outbox.push(batch("s", 7))
    await asyncio.sleep(0)
    for position in range(8, 60):
        sent.outbox.push(batch("s", position))

    assert sent.overflows == 1
    assert sent.outbox.first_unsent == Cursor(1, 7)
    await sent.rest()
    assert sent.outbox.first_unsent is None


async def test_frames_are_counted_too() -> None:
    sent = Sent(max_frames=10)

    for _ in range(11):
        sent.outbox.put(Heartbeat("1.1"))
    await sent.rest()

    assert sent.overflows == 1


async def test_nothing_waits_for_a_subscription_that_has_ended() -> None:
    sent = Sent()

    sent.outbox.push(batch("a", 1))
    sent.outbox.push(batch("b", 1))
    sent.outbox.progress("a", "x", b"{}")
    sent.outbox.drop("a")
    await sent.rest()

    assert [frame["id"] for frame in sent.frames] == ["b"]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 600_000])
def test_a_frame_of_any_size_has_the_header_of_rfc_6455(size: int) -> None:
    reader = ClientProtocol(parse_uri("ws://localhost"), state=State.OPEN, max_size=None)

    reader.receive_data(frames.text(b"x" * size))

    (read,) = reader.events_received()
    assert isinstance(read, Frame)
    assert (read.opcode, read.fin, len(read.data)) == (Opcode.TEXT, True, size)


def test_no_frame_is_larger_than_allowed() -> None:
    items = [b'{"cursor":"1.%d","event":"%b"}' % (n, b"x" * 60_000) for n in range(30)]

    made = list(frames.events("s", items, replay=True))

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
    sent.outbox.push(batch("s", 1))
    sent.outbox.say("s", "job", lines(3, skipped=4))

    await sent.rest()

    assert [frame["op"] for frame in sent.frames] == ["events", "log"]
    said = sent.frames[1]
    assert [line["number"] for line in said["lines"]] == [1, 2, 3]
    assert (said["id"], said["job_id"], said["skipped"]) == ("s", "job", 4)


async def test_lines_that_a_slow_socket_cannot_take_are_counted_and_close_nothing() -> None:
    sent = Sent(max_bytes=1_000, max_frames=10)

    for number in range(1_000):
        sent.outbox.say("s", "job", lines(number, size=1_000))
    await sent.rest()

    (said,) = sent.frames
    assert sent.overflows == 0
    assert 200 < len(said["lines"]) < 300
    assert len(said["lines"]) + said["skipped"] == 1_000


async def test_a_subscription_that_has_ended_gets_no_lines() -> None:
    sent = Sent()
    sent.outbox.say("s", "job", lines(1))
    sent.outbox.say("t", "job", lines(1))

    sent.outbox.drop("s")
    await sent.rest()

    assert [frame["id"] for frame in sent.frames] == ["t"]
