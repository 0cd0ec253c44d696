"""Watches the disk below the object store: says when it is nearly full, and helps it back."""

import asyncio
from collections.abc import Callable

from tidemill_kit.disk import Disk
from tidemill_kit.settings import Settings, load
from tidemill_stack import probes
from tidemill_stack.credentials import RESULTS
from tidemill_stack.errors import NotReady
from tidemill_stack.stack import Stack

LOOK_S = 5.0


async def watch(stack: Stack, say: Callable[[str], None]) -> None:
    """Until it is cancelled; the store is started again where it takes nothing though it could."""
    disk = Disk(load(Settings, stack.env("ingestion")))
    full = False
    while True:
        lack = disk.lack()
        if lack and not full:
            say(f"the disk is nearly full, uploads and results are refused: {lack}")
        elif full and not lack:
            say("the disk has room again")
            await _revive(stack, say)
        full = lack is not None
        await asyncio.sleep(LOOK_S)


async def _revive(stack: Stack, say: Callable[[str], None]) -> None:
    """SeaweedFS that could not write its directory never tries again."""
    try:
        await probes.keeps_objects(stack.s3_endpoint, RESULTS, stack.credentials.s3["admin"])
    except NotReady:
        say("the object store does not see it; it is started again")
        await stack.restart("weed")
