"""A bout: both systems started, and every run of every measure by turns."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from tests.bench import ours, peer
from tests.bench.measures import Measure
from tests.bench.side import Side
from tests.bench.trial import Ground, Scale, Trial

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

    async def run(self) -> None:
        """All measures; those that want fresh systems come last, alone on the machine."""
        lasting = [each for each in self.measures if not each.fresh]
        if lasting:
            async with self._both() as sides:
                for measure in lasting:
                    await self._rounds(measure, sides)
        for measure in self.measures:
            if measure.fresh:
                await self._fresh(measure)

    def _rounds_of(self, measure: Measure) -> int:
        return self.rounds or (1 if measure.once else 3)

    async def _rounds(self, measure: Measure, sides: list[Side]) -> None:
        for number in range(1, self._rounds_of(measure) + 1):
            for side in sides:
                for door in side.doors.values():
                    if door.name == "service" or measure.gateway:
                        await self._trial(measure, side, door.name, number)

    async def _fresh(self, measure: Measure) -> None:
        for number in range(1, self._rounds_of(measure) + 1):
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
