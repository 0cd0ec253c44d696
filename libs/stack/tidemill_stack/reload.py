"""`tidemill up --reload`: a service whose code changes is started again."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from watchfiles import PythonFilter, awatch

from tidemill_stack.errors import StartFailed
from tidemill_stack.stack import Stack

SHARED = ("tidemill_contracts", "tidemill_kit")
# whoever has just saved a file that cannot be loaded wants to hear of it
AGAIN_S = 20.0


async def watch(stack: Stack, say: Callable[[str], None]) -> None:
    """Until cancelled: changes in the current folder concern the processor."""
    started = [name for name in stack.urls if stack.has(name)]
    folders = {name: package(f"tidemill_{name}") for name in started}
    shared = [package(name) for name in SHARED]
    here = Path.cwd()
    async for changes in awatch(here, *shared, *folders.values(), watch_filter=PythonFilter()):
        changed = [Path(path) for _, path in changes]
        for name in concerned(changed, folders, shared, here):
            say(f"{name} changed, starting it again")
            old = stack.pid(name)
            await stack.restart(name)
            try:
                await stack.ready(name, instead_of=old, within_s=AGAIN_S)
            except StartFailed as error:
                say(str(error))


def concerned(
    changed: list[Path],
    folders: dict[str, Path],
    shared: list[Path],
    here: Path,
) -> list[str]:
    """The services that these files belong to; what all share concerns all."""
    if any(path.is_relative_to(folder) for path in changed for folder in shared):
        return sorted(folders)
    found = {
        name
        for name, folder in folders.items()
        if any(path.is_relative_to(folder) for path in changed)
    }
    own = [path for path in changed if not any(path.is_relative_to(f) for f in folders.values())]
    if "processor" in folders and any(path.is_relative_to(here) for path in own):
        found.add("processor")
    return sorted(found)


def package(name: str) -> Path:
    """The folder of an installed package."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed(f"{name} is not installed")
    return Path(spec.submodule_search_locations[0]).resolve()
