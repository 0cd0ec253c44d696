"""A queue whose frames a Dask cluster of two worker processes works on."""

import asyncio
import io
import random
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from msgspec import Struct
from polars.testing import assert_frame_equal

from tests.e2e.people import Person
from tests.faults.others import Other, Others
from tidemill_client.problems import ApiProblem
from tidemill_contracts.datasets import Dataset
from tidemill_contracts.jobs import CancelOutcome, Job, JobStatus, StepSpec
from tidemill_stack.stack import Stack

QUEUE = "cluster"
PATIENCE_S = 240

pytestmark = pytest.mark.usefixtures("cluster")

MIXED = {
    "zscore": {"method": "zscore"},
    "minmax": {"method": "minmax"},
    "robust": {"method": "robust"},
}


class Cluster(Struct):
    """A scheduler with its workers, and the processor that hands work to it."""

    address: str
    processor: Other


@pytest.fixture(scope="module")
async def cluster(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Cluster]:
    folder = tmp_path_factory.mktemp("dask")
    quiet = ("--no-dashboard", "--host", "127.0.0.1")
    workers = ("--nworkers", "2", "--nthreads", "1", "--local-directory", str(folder))
    async with AsyncExitStack() as started:
        scheduler = await started.enter_async_context(running("scheduler", "--port", "0", *quiet))
        address = await said(scheduler, "Scheduler at:")
        others = await started.enter_async_context(Others(stack))
        worker = await started.enter_async_context(running("worker", address, *workers, *quiet))
        for _ in range(2):
            await said(worker, "Registered to:")
        processor = await others.start(
            "processor",
            TM_WORKER_NAME="dask",
            TM_SLOTS="1",
            TM_CHILD_NICE="0",
            TM_DASK_SCHEDULER=address,
            TM_DASK_QUEUES=QUEUE,
        )
        yield Cluster(address, processor)


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


def running(*arguments: str) -> Running:
    return Running(*arguments)


async def said(process: asyncio.subprocess.Process, words: str) -> str:
    """The rest of the line in which it says so."""
    assert process.stderr
    async with asyncio.timeout(60):
        while line := (await process.stderr.readline()).decode():
            if words in line:
                return line.partition(words)[2].strip()
    pytest.fail(f"it ended before it said {words!r}")


@pytest.fixture
async def numbers(ann: Person) -> Dataset:
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


@pytest.mark.parametrize("method", MIXED)
async def test_both_engines_agree(ann: Person, numbers: Dataset, method: str) -> None:
    steps = [
        StepSpec(
            processor="filter_rows",
            params={"where": [{"column": "id", "op": "ge", "value": 100}]},
        ),
        StepSpec(processor="normalize", params=MIXED[method]),
    ]

    here = await ann.run(steps=steps, dataset_id=numbers.id)
    there = await run(ann, steps=steps, dataset_id=numbers.id, queue=QUEUE)

    expected, found = await frame_of(ann, here), await frame_of(ann, there)
    assert expected.height == 2_900
    assert_frame_equal(found, expected, abs_tol=1e-9)
    assert there.steps[0].result
    assert there.steps[0].result.rows == 2_900


async def test_what_cannot_run_there_is_refused(ann: Person, numbers: Dataset) -> None:
    known = {each.name: each.engines for each in await ann.client.processors()}

    with pytest.raises(ApiProblem) as refused:
        await ann.client.submit(
            processor="tag_posts", params={"column": "text"}, dataset_id=numbers.id, queue=QUEUE
        )
    value = await ann.run(processor="add", params={"amount": 1}, value=1, queue=QUEUE)

    assert (refused.value.status, refused.value.code) == (422, "engine_unfit")
    assert known["normalize"] == ("polars", "dask")
    assert value.result
    assert value.result.value == 2


async def test_a_job_there_can_be_cancelled(ann: Person, numbers: Dataset) -> None:
    job = await ann.client.submit(processor="slow_rows", dataset_id=numbers.id, queue=QUEUE)
    async for item in ann.client.follow(job.id):
        if getattr(item, "progress", None) is not None:
            break

    await ann.client.cancel(job.id, grace_s=30)
    ended = await ann.client.wait(job.id)

    assert ended.status is JobStatus.CANCELLED
    assert ended.cancel
    assert ended.cancel.outcome is CancelOutcome.COOPERATIVE


@pytest.mark.parametrize("operation", ["median", "quantile", "skew", "rank", "map_batches"])
async def test_order_statistics_of_narwhals_are_refused_there(
    ann: Person, numbers: Dataset, operation: str
) -> None:
    job = await run(
        ann,
        processor="order_statistic",
        params={"operation": operation},
        dataset_id=numbers.id,
        queue=QUEUE,
    )

    assert job.status is JobStatus.FAILED
    assert job.error
    assert job.error.code == "unsupported_on_dask"
    assert operation in job.error.message


async def test_exact_quantiles_agree(ann: Person, numbers: Dataset) -> None:
    asked = {"processor": "exact_quantiles", "dataset_id": numbers.id}

    here = await ann.run(**asked)
    there = await run(ann, **asked, queue=QUEUE)

    assert here.result
    assert there.result
    assert there.result.value == here.result.value


async def test_nan_is_refused_by_name(ann: Person) -> None:
    file = io.BytesIO()
    pl.DataFrame({"a": [1.0, float("nan")]}).write_parquet(file)
    dataset = await ann.client.wait_dataset((await ann.client.upload(file.getvalue(), "x")).id)

    job = await run(ann, processor="normalize", dataset_id=dataset.id, queue=QUEUE)

    assert job.error
    assert job.error.code == "nan_on_dask"


def test_the_cluster_runs_in_processes_of_its_own(cluster: Cluster) -> None:
    assert cluster.address.startswith("tcp://127.0.0.1:")
    assert Path(f"/proc/{cluster.processor.pid}").exists()
