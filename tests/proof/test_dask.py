"""A queue whose frames a Dask cluster of two worker processes works on, in all it may do."""

import io
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.e2e import clusters
from tests.e2e.clusters import QUEUE, frame_of, run
from tests.e2e.people import Person
from tidemill_contracts.datasets import Dataset
from tidemill_contracts.jobs import CancelOutcome, Job, JobStatus, StepSpec
from tidemill_stack.stack import Stack

pytestmark = pytest.mark.usefixtures("cluster")

MIXED = {
    "zscore": {"method": "zscore"},
    "minmax": {"method": "minmax"},
    "robust": {"method": "robust"},
}


@pytest.fixture(scope="module")
async def cluster(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    folder = tmp_path_factory.mktemp("dask")
    async with clusters.cluster(stack, folder, workers=2) as address:
        yield address


@pytest.fixture
async def numbers(ann: Person) -> Dataset:
    return await clusters.upload_numbers(ann)


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


async def test_processors_of_values_run_there_as_anywhere(ann: Person) -> None:
    known = {each.name: each.engines for each in await ann.client.processors()}

    value = await ann.run(processor="add", params={"amount": 1}, value=1, queue=QUEUE)

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


@pytest.mark.parametrize("rows", [300_000, 5_000_000])
async def test_how_long_each_engine_takes_is_told(
    ann: Person, tmp_path: Path, rows: int, record_property: Callable[[str, object], None]
) -> None:
    file = tmp_path / "numbers.parquet"
    number = pl.int_range(rows, eager=True)
    pl.DataFrame({f"c{n}": (number * n % 1_000) / 7 for n in (1, 3, 7, 9)}).write_parquet(file)
    dataset = await ann.client.wait_dataset((await ann.client.upload(file, "numbers")).id)
    asked: dict[str, Any] = {"processor": "normalize", "dataset_id": dataset.id}

    # one before the clock runs, so that both have fetched or met the parts
    runs = [(await run(ann, **asked), await run(ann, **asked, queue=QUEUE)) for _ in range(3)]

    found = [[_seconds(job) for job in side] for side in zip(*runs[1:], strict=True)]
    record_property(f"s for {rows} rows, Polars / Dask", [min(side) for side in found])


def _seconds(job: Job) -> float:
    assert job.status is JobStatus.SUCCEEDED, job.error
    assert job.started_at
    assert job.finished_at
    return (job.finished_at - job.started_at).total_seconds()
