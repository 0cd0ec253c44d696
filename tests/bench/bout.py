"""A bout: both systems started, and every run of every measure by turns."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from tests.bench import ours, peer
from tests.bench.measures import Measure
from tests.bench.side import Side
from tests.bench.trial import Ground, Scale, Trial

ROUNDS = 3
# what is repeated ends about then; M7 and M8 take another three minutes
ROUNDS_S = 510.0

type Opened = AbstractAsyncContextManager[Side]
type Tell = Callable[[str], None]


class Bout(Struct, kw_only=True):
    """What is to be run, where, and what to say meanwhile."""

    measures: list[Measure]
    scale: Scale
    rounds: int | None
    folder: Path
    with_peer: bool
    tell: Tell
    trials: list[Trial]
    versions: dict[str, dict[str, str]]
    notes: list[str]

    async def run(self) -> None:
        """All measures; those that want fresh systems come last, alone on the machine."""
        lasting = [each for each in self.measures if not each.fresh]
        if lasting:
            async with self._both() as sides:
                repeated = [each for each in lasting if self.rounds or not each.once]
                await self._rounds(repeated, sides)
                for measure in lasting:
                    if measure not in repeated:
                        await self._turn(measure, sides, 1)
        for measure in self.measures:
            if measure.fresh:
                await self._fresh(measure)

    async def _rounds(self, measures: list[Measure], sides: list[Side]) -> None:
        """Round by round, so that a drift of the machine meets all measures alike."""
        began = time.monotonic()
        for number in range(1, (self.rounds or ROUNDS) + 1):
            passed = time.monotonic() - began
            if not self.rounds and passed * number / max(1, number - 1) > ROUNDS_S:
                self.notes.append(f"{number - 1} of {ROUNDS} rounds: the machine is too slow today")
                return
            for measure in measures:
                await self._turn(measure, sides, number)

    async def _turn(self, measure: Measure, sides: list[Side], number: int) -> None:
        for side in sides:
            for door in side.doors.values():
                if door.name == "service" or measure.gateway:
                    await self._trial(measure, side, door.name, number)

    async def _fresh(self, measure: Measure) -> None:
        for number in range(1, (self.rounds or 1) + 1):
            for name, opened in self._openers(fresh=True).items():
                folder = self.folder / f"{name}-{measure.name}-{number}"
                async with opened(folder) as side:
                    await self._trial(measure, side, "service", number)

    async def _trial(self, measure: Measure, side: Side, door: str, number: int) -> None:
        """A run; one that breaks off is a fault, and the others go on."""
        trial = Trial(measure=measure.name, side=side.name, door=door, round=number)
        ground = Ground(
            side=side,
            door=side.doors[door],
            scale=self.scale,
            folder=self.folder,
            trial=trial,
        )
        try:
            await measure.run(ground)
        except (OSError, TimeoutError, LookupError, RuntimeError) as error:
            trial.faults.append(f"{type(error).__name__}: {error}")
        self.trials.append(trial)
        self.tell(_line(measure, trial))

    @asynccontextmanager
    async def _both(self) -> AsyncGenerator[list[Side]]:
        async with AsyncExitStack() as opened:
            sides: list[Side] = []
            for name, opener in self._openers(fresh=False).items():
                self.tell(f"starting {name}")
                side = await opened.enter_async_context(opener(self.folder / name))
                self.versions[name] = await side.versions()
                sides.append(side)
            yield sides

    def _openers(self, *, fresh: bool) -> dict[str, Callable[[Path], Opened]]:
        found: dict[str, Callable[[Path], Opened]] = {
            "tidemill": ours.installed if fresh else ours.served,
        }
        return found | ({"plain": peer.served} if self.with_peer else {})


def _line(measure: Measure, trial: Trial) -> str:
    shown = [
        f"{figure.label} {trial.figures[figure.key]:,.{figure.digits}f}"
        for figure in measure.figures
        if figure.key in trial.figures
    ]
    where = f"{trial.side}, {trial.door}" if trial.side == "tidemill" else trial.side
    faults = "".join(f"\n    ! {fault}" for fault in trial.faults)
    return f"{measure.name} #{trial.round} {where}: {'; '.join(shown)}{faults}"
