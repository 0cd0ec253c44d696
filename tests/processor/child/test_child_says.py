"""What a child process says, by whatever way, and how much of it is heard."""

import asyncio
import resource
import time
from typing import Any

from tidemill_contracts.lines import MAX_ATTEMPT_BYTES, Level, LineStream
from tidemill_contracts.work import Succeeded


async def test_every_way_to_speak_is_heard(bench: Any, step: Any) -> None:
    running = await bench.run(step("speak"), value="hello")

    lines = running.said()
    assert sorted((line.stream, line.text) for line in lines) == [
        (LineStream.LOG, "hello by log"),
        (LineStream.STDERR, "hello by stderr"),
        (LineStream.STDOUT, "hello by Python"),
        (LineStream.STDOUT, "hello by a process"),
        (LineStream.STDOUT, "hello by descriptor"),
    ]
    (remark,) = [line for line in lines if line.stream is LineStream.LOG]
    assert (remark.level, remark.fields, remark.attempt) == (Level.WARNING, {"words": 1}, 1)
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]


async def test_a_line_belongs_to_the_step_that_said_it(bench: Any, step: Any) -> None:
    running = await bench.run(step("shout"), step("speak"), step("shout"), value="hi")

    assert {(line.text, line.step) for line in running.said()} >= {
        ("hi", "shout"),
        ("no newline", "shout"),
        ("HI by Python", "speak"),
        ("HI by log", "speak"),
        ("HI", "shout"),
    }


async def test_a_crash_keeps_what_was_said_before_and_why(bench: Any, step: Any) -> None:
    running = await bench.start(step("say_and_crash"))

    ending = await running.ending()

    texts = [line.text for line in running.said()]
    assert "SIGSEGV" in ending.error.message
    assert {"the last remark", "the last line"} <= set(texts)
    assert any("Segmentation fault" in text for text in texts)
    assert any("in say_and_crash" in text for text in texts)
    assert "in say_and_crash" in ending.error.traceback


async def test_a_killed_task_keeps_what_it_said(bench: Any, step: Any) -> None:
    running = await bench.start(step("fail", kind="crash"), value=1)

    ending = await running.ending()

    assert "SIGKILL" in ending.error.message
    assert [line.text for line in running.said()] == ["about to fail: crash"]


async def test_a_flood_is_bounded_and_starves_nobody(bench: Any, step: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    running = await bench.start(step("flood"), value=200)
    late: list[float] = []

    while not running.task.done():
        asked = time.monotonic()
        await asyncio.wait([running.task], timeout=0.05)
        late.append(time.monotonic() - asked - 0.05)
        running.transcript.take()
        running.transcript.segment()

    lines = running.said()
    assert (await running.ending()) == Succeeded()
    assert sorted(late)[len(late) * 9 // 10] < 0.2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert sum(len(line.text) for line in lines) <= MAX_ATTEMPT_BYTES
    assert lines[-1].text == "x" * 99
    assert lines[-1].number == 200 * (2**20 // 100 + 1) + 1


async def test_a_flood_of_remarks_is_bounded_too(bench: Any, step: Any) -> None:
    running = await bench.start(step("log_a_lot"), value=30_000)

    await running.ending()

    lines = running.said()
    assert lines[-1].fields == {"number": 29_999}
    assert lines[-1].number == 30_000
    assert sum(line.left_out for line in lines if line.left_out) + len(lines) >= 30_000


async def test_nothing_left_behind_speaks_in_the_next_task(bench: Any, step: Any) -> None:
    for leaving in ("leave_a_thread", "leave_a_process"):
        for _ in range(bench.slots.count):
            await bench.run(step(leaving))

        for _ in range(bench.slots.count):
            running = await bench.run(step("wait", seconds=0.1), value=1)

            assert [line.text for line in running.said()] == ["waiting for 0.1 s", "waited"]
