"""The process behind `tidemill up`: it starts a stack, says where it is and stops it on a signal.

It takes the place of the command, whose libraries would stay in memory for as long as it runs.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from time import monotonic

import msgspec
from msgspec import Struct

from tidemill_kit.errors import TidemillError
from tidemill_stack import disk
from tidemill_stack.servers import program
from tidemill_stack.settings import environment
from tidemill_stack.stack import Stack

STOP_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Options(Struct, frozen=True, kw_only=True):
    """What `tidemill up` was asked for."""

    data: str
    port: int
    host: str
    domain: str | None = None
    slots: int | None = None
    services: list[str] | None = None
    reload: bool = False

    def command(self) -> list[str]:
        """The command line that runs this module with these options."""
        options = msgspec.json.encode(self).decode()
        return [sys.executable, "-P", "-m", "tidemill_stack.supervise", options]


async def run(options: Options) -> int:
    """Until a signal comes; the exit code."""
    stop = asyncio.Event()
    for number in STOP_ON:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    began = monotonic()
    stack = Stack(
        Path(options.data),
        port=options.port,
        host=options.host,
        domain=options.domain,
        slots=options.slots,
        services=options.services,
        env=_processor_paths() if options.reload else {},
        report=lambda name, seconds: say(f"  {name:<20} {seconds:5.2f} s"),
    )
    say(f"starting on {stack.data}")
    if not await _started(stack, stop):
        return 0
    say(f"ready in {monotonic() - began:.1f} s: {stack.url}")
    await _beside(stack, stop, reload=options.reload)
    began = monotonic()
    say("stopping")
    await stack.stop()
    say(f"stopped in {monotonic() - began:.1f} s")
    return 0


async def _beside(stack: Stack, stop: asyncio.Event, *, reload: bool) -> None:
    """What goes on until the signal comes."""
    async with asyncio.TaskGroup() as tasks:
        beside: list[asyncio.Task[None]] = []
        if stack.has("identity"):
            beside.append(tasks.create_task(_offer_setup(stack)))
        if stack.has("weed"):
            beside.append(tasks.create_task(disk.watch(stack, say)))
        if reload:
            from tidemill_stack.reload import watch

            beside.append(tasks.create_task(watch(stack, say)))
        await stop.wait()
        for task in beside:
            task.cancel()


async def _started(stack: Stack, stop: asyncio.Event) -> bool:
    """Whether it started; a signal on the way stops what has started so far."""
    starting = asyncio.create_task(stack.start())
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return False
    await starting
    return True


async def _offer_setup(stack: Stack) -> None:
    """Say how to make the first administrator, as long as there is none."""
    process = await asyncio.create_subprocess_exec(
        program("tidemill-users"),
        "setup-link",
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        env=stack.env("identity"),
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    answer = msgspec.json.decode(out) if process.returncode == 0 else {}
    if answer.get("needed"):
        say(f"first administrator: {answer['url']}")


def _processor_paths() -> dict[str, str]:
    given = environment().get("TM_PROCESSOR_PATHS", "")
    return {"TM_PROCESSOR_PATHS": os.pathsep.join(filter(None, [given, str(Path.cwd())]))}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    options = msgspec.json.decode(sys.argv[1], type=Options)
    try:
        return asyncio.run(run(options))
    except TidemillError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
