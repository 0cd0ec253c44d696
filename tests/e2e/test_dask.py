"""A queue whose frames a Dask cluster works on."""

from collections.abc import AsyncGenerator

import pytest
from polars.testing import assert_frame_equal

from tests.e2e.clusters import QUEUE, cluster, frame_of, run, upload_numbers
from tests.e2e.people import Person
from tidemill_client.problems import ApiProblem
from tidemill_contracts.jobs import StepSpec
from tidemill_stack.stack import Stack

pytestmark = pytest.mark.usefixtures("clustered")


@pytest.fixture(scope="module")
async def clustered(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    async with cluster(stack, tmp_path_factory.mktemp("dask"), workers=1) as address:
        yield address


async def test_a_cluster_gives_what_one_machine_gives(ann: Person) -> None:
    numbers = await upload_numbers(ann)
    where = [{"column": "id", "op": "ge", "value": 100}]
    steps = [
        StepSpec(processor="filter_rows", params={"where": where}),
        StepSpec(processor="normalize", params={"method": "robust"}),
    ]

    here = await ann.run(steps=steps, dataset_id=numbers.id)
    there = await run(ann, steps=steps, dataset_id=numbers.id, queue=QUEUE)
    with pytest.raises(ApiProblem) as refused:
        await ann.client.submit(
            processor="tag_posts", params={"column": "text"}, dataset_id=numbers.id, queue=QUEUE
        )

    expected, found = await frame_of(ann, here), await frame_of(ann, there)
    assert expected.height == 2_900
    assert_frame_equal(found, expected, abs_tol=1e-9)
    assert there.steps[0].result
    assert there.steps[0].result.rows == 2_900
    assert (refused.value.status, refused.value.code) == (422, "engine_unfit")
