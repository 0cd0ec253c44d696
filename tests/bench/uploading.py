"""M9: how fast a large file is taken, beside the same bytes put straight to the object store."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench.load import Address, Refused
from tests.bench.trial import Ground

MIB = 1024 * 1024
MEGABYTE = 1_000_000
BLOCK = random.Random(9).randbytes(MIB)
WITHIN_S = 300.0


async def upload(ground: Ground) -> None:
    """One connection, one file; the worker rests, so that nobody reads it meanwhile."""
    side, trial, blocks = ground.side, ground.trial, ground.scale.m9_mib
    if side.worker is not None:
        await side.worker.stop()
    who, size = await side.newcomer(), blocks * MIB
    straight = await side.straight(_blocks(blocks))
    window = ground.window()
    began = time.perf_counter()
    head = side.uploading(who, size)
    answer = await _send(side.uploads[ground.door.name], head, blocks)
    seconds = time.perf_counter() - began
    ground.account(window, blocks)
    trial.expect("what was kept", await side.kept(who, answer), _digest(blocks))
    trial.figures["mb_per_s"] = size / MEGABYTE / seconds
    if straight is not None:
        trial.figures["of_straight"] = straight / seconds
    trial.figures["rss_mb"] = _most_mb(side.roots()[side.taker])


async def _blocks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield BLOCK


async def _send(address: Address, head: bytes, blocks: int) -> bytes:
    """The body of the answer; `head` ends before the bytes of the file."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        async with asyncio.timeout(WITHIN_S):
            writer.write(head)
            for _ in range(blocks):
                writer.write(BLOCK)
                await writer.drain()
            answered = await reader.readuntil(b"\r\n\r\n")
            body = await reader.read(-1)
    finally:
        writer.close()
    status = int(answered[9:12])
    if status not in (200, 201):
        raise Refused(f"{status}: {body[:300].decode(errors='replace')}")
    return body


def _digest(blocks: int) -> str:
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(BLOCK)
    return digest.hexdigest()


def _most_mb(pid: int) -> float:
    """The most that a process has had in memory so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
