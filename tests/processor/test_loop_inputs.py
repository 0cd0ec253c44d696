"""Inputs kept by their digest."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tidemill_processor.scratch import Inputs, IntegrityBroken, Scratch, WorkerNameTaken


def a_digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def fetching(content: bytes, calls: list[bytes]) -> Callable[[Path], Awaitable[str]]:
    async def fetch(path: Path) -> str:
        calls.append(content)
        await asyncio.to_thread(path.write_bytes, content)
        return a_digest(content)

    return fetch


async def test_an_input_that_two_want_at_once_is_fetched_once(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path / "inputs", 100)
    calls: list[bytes] = []

    one, other = await asyncio.gather(
        *(inputs.hold(a_digest(b"x"), fetching(b"x", calls)) for _ in range(2))
    )

    assert one == other
    assert calls == [b"x"]


async def test_what_is_not_what_was_recorded_is_refused_and_not_kept(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path / "inputs", 100)

    with pytest.raises(IntegrityBroken):
        await inputs.hold("0" * 64, fetching(b"x", []))

    assert list((tmp_path / "inputs").iterdir()) == []


async def test_the_longest_unused_makes_room_and_what_is_in_use_stays(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path / "inputs", 20)
    contents = [bytes([n]) * 10 for n in range(4)]
    paths = [await inputs.hold(a_digest(each), fetching(each, [])) for each in contents]

    for each in contents[1:]:
        inputs.let_go(a_digest(each))

    assert [path.exists() for path in paths] == [True, False, False, True]


def test_two_workers_of_one_name_do_not_share_a_folder(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, 100)

    with pytest.raises(WorkerNameTaken):
        Scratch(tmp_path, 100)

    scratch.close()


def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "runs" / "old").mkdir(parents=True)

    Scratch(tmp_path, 100).close()

    assert list((tmp_path / "runs").iterdir()) == []
