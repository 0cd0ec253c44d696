"""`tidemill demo`, as somebody sees it who has just cloned the repository."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

DEMO_S = 120


@pytest.mark.slow
async def test_the_demo_shows_live_events_and_a_replay_that_equals_them(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    command = [str(Path(sys.executable).with_name("tidemill")), "demo", "--events", str(file)]

    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(DEMO_S):
        out, err = await process.communicate()

    said = out.decode()
    told = [json.loads(line) for line in file.read_text().splitlines()]
    live, replay = events_of(told, "live"), events_of(told, "replay")
    assert process.returncode == 0, err.decode()
    assert "arithmetic: 10 -> 15 -> 30 -> 20" in said
    assert re.findall(r"replay: (\d+) events, equal to the live stream", said) == [str(len(live))]
    assert replay == live
    assert [event["seq"] for event in live] == list(range(1, len(live) + 1))
    assert (live[0]["type"], live[-1]["type"]) == ("job.submitted", "job.succeeded")
    assert "1461 rows" in said


def events_of(told: list[dict[str, Any]], source: str) -> list[dict[str, Any]]:
    return [line["event"] for line in told if line["source"] == source]
