"""A Dask cluster on this machine, a processor that hands work to it, and what it works on."""

import asyncio
import io
import random
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.builders import PATIENCE_S
from tests.e2e.people import Person
from tests.faults.others import Others
from tidemill_contracts.datasets import Dataset
from tidemill_contracts.jobs import Job, JobStatus
from tidemill_stack.stack import Stack

QUEUE = "cluster"


@asynccontextmanager
async def cluster(stack: Stack, folder: Path, *, workers: int) -> AsyncGenerator[str]:
    """The scheduler's address; all of it ends on leaving."""
    quiet = ("--no-dashboard", "--host", "127.0.0.1")
    size = ("--nworkers", str(workers), "--nthreads", "1", "--local-directory", str(folder))
    async with AsyncExitStack() as started:
        scheduler = await started.enter_async_context(Running("scheduler", "--port", "0", *quiet))
        address = await said(scheduler, "Scheduler at:")
        worker = await started.enter_async_context(
            Running("worker", address, *size, "--no-nanny" if workers == 1 else "--nanny", *quiet)
        )
        others = await started.enter_async_context(Others(stack))
        await others.start(
            "processor",
            TM_WORKER_NAME="dask",
            TM_SLOTS="1",
            TM_CHILD_NICE="0",
            TM_DASK_SCHEDULER=address,
            TM_DASK_QUEUES=QUEUE,
        )
        for _ in range(workers):
            await said(worker, "Registered to:")
        yield address


class Running:
    """A process of the cluster; it is ended on leaving."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments

    async def __aenter__(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dask", *self._arguments),
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return self._process

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await self._process.communicate()


async def said(process: asyncio.subprocess.Process, words: str) -> str:
    """The rest of the line in which it says so."""
    assert process.stderr
    async with asyncio.timeout(PATIENCE_S):
        while line := (await process.stderr.readline()).decode():
            if words in line:
                return line.partition(words)[2].strip()
    pytest.fail(f"it ended before it said {words!r}")


async def upload_numbers(ann: Person) -> Dataset:
    """Floats, integers, nulls and text, in several row groups."""
    draw = random.Random(7)
    frame = pl.DataFrame(
        {
            "id": range(3_000),
            "ratio": [draw.gauss(10, 3) if n % 7 else None for n in range(3_000)],
            "same": [4] * 3_000,
            "text": [f"row {n}" if n % 5 else None for n in range(3_000)],
        }
    )
    file = io.BytesIO()
    frame.write_parquet(file, row_group_size=500)
    return await ann.client.wait_dataset((await ann.client.upload(file.getvalue(), "n")).id)


async def run(ann: Person, **fields: Any) -> Job:
    """A cluster's libraries take their time to load where a machine is busy."""
    job = await ann.client.submit(**fields)
    async with asyncio.timeout(PATIENCE_S):
        return await ann.client.wait(job.id)


async def frame_of(ann: Person, job: Job) -> pl.DataFrame:
    assert job.status is JobStatus.SUCCEEDED, job.error
    return pl.read_parquet(io.BytesIO(await ann.client.output(job.id, format="parquet").value()))
