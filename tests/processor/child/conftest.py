"""Warm child processes, and a bench that runs steps in them."""

import asyncio
import json
from asyncio import Task
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.builders import PATIENCE_S
from tidemill_contracts.lines import LogLine
from tidemill_contracts.work import WorkStep
from tidemill_processor.settings import Settings
from tidemill_processor.slots import Slot, Slots
from tidemill_processor.transcript import Transcript
from tidemill_processor.wire import Begin, Ended, Given, StepDone, Word


class Running:
    """Steps under way in a slot, and what they told until now."""

    def __init__(self, slot: Slot, begin: Begin) -> None:
        self.slot = slot
        self.words: list[Word] = []
        self.transcript = Transcript(1, [step.name for step in begin.steps])
        self._heard = asyncio.Event()
        self.task: Task[Ended] = asyncio.create_task(slot.run(begin, self.transcript, self._hear))

    async def _hear(self, word: Word) -> None:
        self.words.append(word)
        self._heard.set()

    async def first_word(self) -> None:
        await asyncio.wait_for(self._heard.wait(), PATIENCE_S)

    async def ending(self) -> Any:
        return (await asyncio.wait_for(self.task, PATIENCE_S)).ending

    def said(self) -> list[LogLine]:
        """All that it said until now."""
        self.transcript.end()
        while self.transcript.waiting:
            self.transcript.take()
        self.transcript.close()
        lines: list[LogLine] = []
        while segment := self.transcript.segment():
            lines += [msgspec.json.decode(line, type=LogLine) for line in segment]
        return lines

    def of[W: Word](self, kind: type[W]) -> list[W]:
        return [word for word in self.words if isinstance(word, kind)]

    @property
    def values(self) -> list[Any]:
        return [
            msgspec.json.decode(done.value)
            for done in self.of(StepDone)
            if isinstance(done.value, Raw)
        ]


class Bench:
    """Slots with folders of their own."""

    def __init__(self, slots: Slots, folder: Path) -> None:
        self.slots = slots
        self._folder = folder
        self._count = 0

    async def start(self, *steps: WorkStep, value: Any = None, **given: Any) -> Running:
        """Begin these steps in the next idle slot."""
        checkpoint = given.pop("checkpoint", None)
        self._count += 1
        begin = Begin(
            steps=list(steps),
            given=Given(value=Raw(json.dumps(value).encode()), **given),
            attempt=1,
            folder=str(self._folder / str(self._count)),
            checkpoint=checkpoint,
        )
        return Running(await asyncio.wait_for(self.slots.acquire(), PATIENCE_S), begin)

    async def run(self, *steps: WorkStep, value: Any = None, **given: Any) -> Running:
        """Run these steps to their end."""
        running = await self.start(*steps, value=value, **given)
        await running.ending()
        return running


def a_step(processor: str, *, each: bool = False, **params: Any) -> WorkStep:
    return WorkStep(name=processor, processor=processor, params=params, each=each)


@pytest.fixture(scope="session")
def step() -> Any:
    """Makes a step of a processor's name and its params."""
    return a_step


@pytest.fixture(scope="session")
async def slots(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Slots]:
    """Two slots; their children know the processors beside these tests, too."""
    settings = Settings(
        slots=2,
        worker_name="here",
        scratch_dir=str(tmp_path_factory.mktemp("scratch")),
        processor_paths=str(Path(__file__).parent / "own"),
        child_memory_mb=768,
        kill_s=0.3,
    )
    slots = Slots(settings)
    slots.open()
    yield slots
    await slots.close()


@pytest.fixture
def bench(slots: Slots, tmp_path: Path) -> Bench:
    return Bench(slots, tmp_path)
